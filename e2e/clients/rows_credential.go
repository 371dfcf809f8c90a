package clients

// credentials are those that ask `tokentoss credential` for a token or for the proxy's secret.
var credentials []Row
