package clients

// grpc are those that speak gRPC.
var grpc []Row
