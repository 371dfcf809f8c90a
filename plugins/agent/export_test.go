package agent

// DialSocket is dialSocket, for connections that do what no client does.
var DialSocket = dialSocket

// NotHere says why this system cannot show an agent, if it cannot.
var NotHere string
