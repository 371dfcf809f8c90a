package etcd_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// memberEnv has the test binary be a member of etcd: a process of its own can be
// killed, and leaves no goroutines.
const memberEnv = "TOKENTOSS_TEST_ETCD_MEMBER"

// A memberConfig is what a member is started with, as JSON in memberEnv.
type memberConfig struct {
	Name, Dir, Peer, Client, Cluster string

	Quota   int64 // bytes of the database; 0 for etcd's own
	Existed bool  // the member was there before, and has its data

	CA, Cert, Key string // for https; clients then need a certificate of CA
}

// serveMember runs a member until standard input ends. It writes a line when it
// is ready, and one after each line that it reads, which means: hear and say
// nothing to the other members from now on.
func serveMember(text string) error {
	var c memberConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	peer, err := url.Parse(c.Peer)
	if err != nil {
		return err
	}
	client, err := url.Parse(c.Client)
	if err != nil {
		return err
	}
	config := embed.NewConfig()
	config.Name, config.Dir, config.InitialCluster = c.Name, c.Dir, c.Cluster
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	config.UnsafeNoFsync = true
	config.QuotaBackendBytes = c.Quota
	if c.Existed {
		config.ClusterState = embed.ClusterStateFlagExisting
	}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	if c.CA != "" {
		config.ClientTLSInfo = transport.TLSInfo{TrustedCAFile: c.CA, CertFile: c.Cert, KeyFile: c.Key, ClientCertAuth: true}
	}
	member, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	select {
	case <-member.Server.ReadyNotify():
	case err := <-member.Err():
		return err
	case <-time.After(long):
		return fmt.Errorf("not ready after %v", long)
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for _, other := range member.Server.Cluster().Members() {
			if other.ID != member.Server.MemberID() {
				member.Server.CutPeer(other.ID)
			}
		}
		fmt.Println("cut off")
	}
	return nil
}
