package clients

const (
	iapgrpcTests = "core/iap/iapgrpc/iapgrpc_test.go#"
	grpcioTests  = pythonTests + "clients/test_grpc.py#"
	proxyGRPC    = "frontends/http/proxy/grpc_test.go#"
)

// grpc are those that speak gRPC.
var grpc = []Row{
	{
		Client: "grpc-go", Version: "1.85", Way: Way{Name: "[Go](go.md#grpc)", Expiry: "the next call has a new one; one that IAP refuses is made again, once", Longest: "no limit, a stream's too", Token: "in the process's memory"},
		Type: []string{`iapgrpc.NewClient(session, "app.example.com:443")`},
		Test: iapgrpcTests + "TestRenews",
	},
	{
		Client: "grpc-go", Version: "1.85", Way: Proxy,
		Type: []string{
			`grpc.NewClient("127.0.0.1:PORT", grpc.WithTransportCredentials(insecure.NewCredentials()))`,
			`metadata.AppendToOutgoingContext(ctx, "tokentoss-secret", SECRET)`,
		},
		Expiry: "the next call has a new one; one that IAP refuses is made again, once",
		Test:   proxyGRPC + "TestGRPCStreams",
	},
	{
		Client: "grpcio", Version: newestOfPython, Way: Python,
		Type:   []string{`grpc.secure_channel("app.example.com:443", tokentoss.grpc.channel_credentials("https://app.example.com"))`},
		Expiry: "the next call has a new one",
		Test:   grpcioTests + "test_grpcio",
	},
	{
		Client: "grpc.aio", Version: newestOfPython, Way: Python,
		Type:   []string{`grpc.aio.secure_channel("app.example.com:443", tokentoss.grpc.channel_credentials("https://app.example.com"))`},
		Expiry: "the next call has a new one",
		Test:   grpcioTests + "test_grpc_aio",
	},
}
