package agent

// DialSocket is dialSocket, for connections that do what no client does.
var DialSocket = dialSocket
