package etcd_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// A store that all machines of a person share. Each of them has a copy of the identity:
// etcd sees nothing in clear.
func Example() {
	ctx := context.Background()
	store, err := etcd.Open(ctx, etcd.Config{
		Endpoints: []string{"https://etcd.example.com:2379"}, Prefix: "/tokentoss/ada",
		CertFile: "~/.config/tokentoss/etcd.pem", KeyFile: "~/.config/tokentoss/etcd-key.pem",
		Identity: "~/.config/tokentoss/identity.age",
	}, "/home/ada/.config/tokentoss/stores/etcd", nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer core.Full(store).Close()
	names, err := core.Full(store).List(ctx)
	fmt.Println(names, err)
}
