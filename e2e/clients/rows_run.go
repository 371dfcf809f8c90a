package clients

// unchanged are those that need no more than "tokentoss run --" in front.
var unchanged []Row

// otherwise are those that "tokentoss run" does not serve, with what does.
var otherwise []Row
