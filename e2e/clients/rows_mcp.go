package clients

// mcp are those that speak the Model Context Protocol.
var mcp []Row
