# Programs in R that know nothing of tokentoss: each has a turn, waits, and has another.
site <- Sys.getenv("SITE")
twice <- function(turn) {
  turn()
  Sys.sleep(as.numeric(Sys.getenv("PAUSE")))
  turn()
}
programs <- list(
  httr2 = function() {
    answer <- httr2::req_perform(httr2::req_body_raw(httr2::request(paste0(site, "/echo")), "body"))
    stopifnot(identical(httr2::resp_body_string(answer), "body"))
  },
  base = function() stopifnot(identical(names(read.csv(url(paste0(site, "/x"), method = "libcurl"))), "hello"))
)
twice(programs[[commandArgs(trailingOnly = TRUE)[1]]])
