package clients

// otherwise are those that "tokentoss run" does not serve as they are, with what does.
var otherwise []Row
