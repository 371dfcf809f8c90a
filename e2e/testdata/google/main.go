// Command google is a program that knows of Google's client libraries and nothing
// else, for the tests of what those libraries ask. It is a module of its own, and
// not one of go.work's, so that what it needs changes nothing of what is released.
//
//	google fetch AUDIENCE URL   fetches URL with an ID token for AUDIENCE (google.golang.org/api/idtoken)
//	google metadata             says what machine it is on (cloud.google.com/go/compute/metadata)
//	google access               prints an access token of the default credentials (golang.org/x/oauth2/google)
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"cloud.google.com/go/compute/metadata"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/idtoken"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "google:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "fetch":
		return fetch(ctx, out, args[1], args[2])
	case len(args) == 1 && args[0] == "metadata":
		return machine(ctx, out)
	case len(args) == 1 && args[0] == "access":
		return access(ctx, out)
	}
	return errors.New("usage: google fetch AUDIENCE URL, or metadata, or access")
}

func fetch(ctx context.Context, out io.Writer, audience, url string) error {
	client, err := idtoken.NewClient(ctx, audience)
	if err != nil {
		return err
	}
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	fmt.Fprintln(out, res.StatusCode)
	_, err = io.Copy(out, res.Body)
	return err
}

func machine(ctx context.Context, out io.Writer) error {
	email, err := metadata.EmailWithContext(ctx, "")
	if err != nil {
		return err
	}
	scopes, err := metadata.ScopesWithContext(ctx, "")
	if err != nil {
		return err
	}
	project, err := metadata.ProjectIDWithContext(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, metadata.OnGCEWithContext(ctx), email, project, scopes)
	return err
}

func access(ctx context.Context, out io.Writer) error {
	creds, err := google.FindDefaultCredentials(ctx, "https://www.googleapis.com/auth/cloud-platform")
	if err != nil {
		return err
	}
	token, err := creds.TokenSource.Token()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, token.AccessToken)
	return err
}
