package fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
)

// A Kind is what sort of fault an error is. Its text is the word for it on every
// wire, and kept compatible. A Kind is an error, to be found with [errors.Is].
type Kind string

// The kinds of faults about signing in and the session.
const (
	NotSaved         Kind = "not_saved"         // signed in, but the store could not keep it
	NotRevoked       Kind = "not_revoked"       // forgotten here, but the provider could not be told
	NotConfigured    Kind = "not_configured"    // there is no OAuth client
	SignInNeeded     Kind = "sign_in_needed"    // only a new sign-in can give a token
	Denied           Kind = "denied"            // the person or the provider's policy said no
	SignInTimeout    Kind = "sign_in_timeout"   // nobody completed the sign-in in time
	NoPerson         Kind = "no_person"         // a person is needed, and there is none here
	RenewedRecently  Kind = "renewed_recently"  // a refused token was renewed moments ago
	NoFlow           Kind = "no_flow"           // this program has no way to obtain a token
	InsecureLoopback Kind = "insecure_loopback" // plain http to a provider, which was not allowed
	Closed           Kind = "closed"            // the session, or the program, is ending
)

// The kinds of faults about the provider.
const (
	Offline         Kind = "offline"          // no connection could be made: nothing was sent
	ProviderBusy    Kind = "provider_busy"    // the provider has trouble, or asks to wait
	ProviderAnswer  Kind = "provider_answer"  // the provider's answer is not what it should be
	ClientRejected  Kind = "client_rejected"  // the provider does not accept the OAuth client
	UntrustedServer Kind = "untrusted_server" // a TLS certificate that this machine does not trust
	BadToken        Kind = "bad_token"        // an ID token that must not be used
	WrongClock      Kind = "wrong_clock"      // this machine's clock does not match the provider's
)

// The kinds of faults about the service that is asked.
const (
	NoAccess     Kind = "no_access"     // IAP knows the person, who has no access
	TokenRefused Kind = "token_refused" // IAP does not accept the token
	WrongOrigin  Kind = "wrong_origin"  // a request to where the token must not go: nothing was sent
)

// The kinds of faults about what a person set.
const (
	BadClient      Kind = "bad_client"      // an OAuth client that cannot be used
	BadConfig      Kind = "bad_config"      // a setting, a variable or a settings file that cannot be used
	UnknownProfile Kind = "unknown_profile" // there is no profile of that name
	UnknownStore   Kind = "unknown_store"   // there is no store of that name
	UnknownPlugin  Kind = "unknown_plugin"  // there is no plugin of that name
	AddressInUse   Kind = "address_in_use"  // an address or port that cannot be listened on
	Usage          Kind = "usage"           // a call that cannot be right
)

// The kinds of faults about stores.
const (
	Sealed      Kind = "sealed"      // a keyring or key that a person must unlock
	Insecure    Kind = "insecure"    // others could read or write it
	Corrupt     Kind = "corrupt"     // there is something, but not a document
	Newer       Kind = "newer"       // a newer version of tokentoss wrote it
	ReadOnly    Kind = "read_only"   // no permission, no space, a read-only disk
	TooLarge    Kind = "too_large"   // more than the store can keep
	BadKey      Kind = "bad_key"     // not usable as a key
	Locked      Kind = "locked"      // the lock was not to be had in time
	Conflict    Kind = "conflict"    // somebody else changed it
	Refused     Kind = "refused"     // a keyring, a server or a person said no
	Unavailable Kind = "unavailable" // no keyring, no server, a plugin that ended
	NotFound    Kind = "not_found"   // no document under that key
)

// The kinds of faults about any call.
const (
	Unsupported Kind = "unsupported" // [errors.ErrUnsupported]
	Deadline    Kind = "deadline"    // [context.DeadlineExceeded]
	Canceled    Kind = "canceled"    // [context.Canceled]
	End         Kind = "end"         // [io.EOF]
	Failed      Kind = "failed"      // anything else
)

// An Exit is an exit code of tokentoss.
type Exit int

// The exit codes.
const (
	ExitDone    Exit = 0
	ExitFailed  Exit = 1
	ExitUsage   Exit = 2
	ExitSignIn  Exit = 3 // a person has to sign in
	ExitRefused Exit = 4 // refused by IAP
)

// A Row of the table says what a kind is in each of the places that errors go to.
type Row struct {
	Kind      Kind
	Text      string // in words
	Exit      Exit
	HTTP      int    // the status of a HTTP answer; 5xx only where the same request may succeed later
	GRPC      uint32 // the code of a gRPC status
	Reason    int32  // the number of the reason in the protocol of plugins
	Python    string // the exception of the Python package
	Temporary bool   // time mends it
	Remedy    Remedy // what to do about it usually

	std error // the standard library's error that means the same
}

// Codes of gRPC (https://grpc.io/docs/guides/status-codes/), which this package
// does not import.
const (
	grpcCanceled           = 1
	grpcUnknown            = 2
	grpcInvalidArgument    = 3
	grpcDeadlineExceeded   = 4
	grpcNotFound           = 5
	grpcPermissionDenied   = 7
	grpcResourceExhausted  = 8
	grpcFailedPrecondition = 9
	grpcAborted            = 10
	grpcOutOfRange         = 11
	grpcUnimplemented      = 12
	grpcUnavailable        = 14
	grpcDataLoss           = 15
	grpcUnauthenticated    = 16
)

// table has a row for each kind. An error may be of several: the first one here is
// what a person is told.
var table = []Row{
	{NotSaved, "the session could not be saved", ExitFailed, http.StatusForbidden, grpcUnknown, 26, "StorageError", false, MakeWritable.On(""), nil},
	{NotRevoked, "not revoked at the provider", ExitFailed, http.StatusBadGateway, grpcUnknown, 25, "NotRevokedError", false, Say("to end the session there too, remove tokentoss in your account's security settings"), nil},
	{NotConfigured, "no OAuth client is configured", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 20, "NotConfiguredError", false, Configure.On(""), nil},
	{SignInNeeded, "sign-in needed", ExitSignIn, http.StatusForbidden, grpcUnauthenticated, 21, "SignInNeededError", false, SignIn.On(""), nil},
	{Denied, "sign-in was denied", ExitFailed, http.StatusForbidden, grpcPermissionDenied, 22, "SignInError", false, SignIn.On(""), nil},
	{SignInTimeout, "sign-in was not completed in time", ExitFailed, http.StatusForbidden, grpcDeadlineExceeded, 23, "SignInTimeoutError", false, SignIn.On(""), nil},
	{NoPerson, "there is nobody here to sign in", ExitSignIn, http.StatusForbidden, grpcUnauthenticated, 50, "InteractionRequiredError", false, SignIn.On(""), nil},
	{NoFlow, "this program has no flow to obtain a token with", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 29, "SignInError", false, SignIn.On(""), nil},
	{InsecureLoopback, "plain http is for emulators on this machine, and must be allowed explicitly", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 28, "ConfigurationError", false, AllowLoopback.On(""), nil},
	{Closed, "the session is closed", ExitFailed, http.StatusServiceUnavailable, grpcFailedPrecondition, 27, "SignInError", false, Say("start the program again"), nil},

	{NoAccess, "no access", ExitRefused, http.StatusForbidden, grpcPermissionDenied, 51, "IAPRefusedError", false, Ask.To("the owner of the service", "for access"), nil},
	{TokenRefused, "the token was refused", ExitRefused, http.StatusForbidden, grpcUnauthenticated, 52, "IAPRefusedError", false, Ask.To("the owner of the service", "to allow this OAuth client"), nil},
	{RenewedRecently, "the token was renewed moments ago", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 24, "RenewedRecentlyError", false, Say("a newer token would not help: ask the owner of the service whether this account has access"), nil},
	{WrongOrigin, "the token must not go there", ExitFailed, http.StatusForbidden, grpcInvalidArgument, 53, "OriginError", false, Say("add the origin to those that may see the token, if it may"), nil},

	{BadClient, "not a usable OAuth client", ExitFailed, http.StatusForbidden, grpcInvalidArgument, 54, "ConfigurationError", false, Configure.On(""), nil},
	{BadConfig, "settings that cannot be used", ExitFailed, http.StatusForbidden, grpcInvalidArgument, 43, "ConfigurationError", false, CorrectFile.On("config.toml"), nil},
	{UnknownProfile, "there is no such profile", ExitUsage, http.StatusNotFound, grpcInvalidArgument, 55, "ConfigurationError", false, ListProfiles.On(""), nil},
	{UnknownStore, "there is no such store", ExitFailed, http.StatusForbidden, grpcInvalidArgument, 56, "ConfigurationError", false, ListStores.On(""), nil},
	{UnknownPlugin, "there is no such plugin", ExitFailed, http.StatusForbidden, grpcInvalidArgument, 57, "ConfigurationError", false, InstallPlugin.On(""), nil},
	{AddressInUse, "the address cannot be listened on", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 58, "ConfigurationError", false, Say("choose another port"), nil},
	{Usage, "invalid argument", ExitUsage, http.StatusBadRequest, grpcInvalidArgument, 59, "TokenTossError", false, Remedy{}, nil},

	{Newer, "written by a newer tokentoss", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 60, "StorageError", false, Update.On("tokentoss"), nil},
	{Sealed, "needs to be unlocked", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 10, "StorageError", false, Unlock.On(""), nil},
	{Insecure, "not private", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 5, "StorageError", false, SignIn.On(""), nil},
	{Corrupt, "damaged", ExitFailed, http.StatusForbidden, grpcDataLoss, 4, "StorageError", false, SignIn.On(""), nil},
	{ReadOnly, "cannot be written", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 6, "StorageError", false, MakeWritable.On(""), nil},
	{TooLarge, "too large", ExitFailed, http.StatusForbidden, grpcResourceExhausted, 8, "StorageError", false, SignIn.On(""), nil},
	{BadKey, "not usable as a key", ExitUsage, http.StatusBadRequest, grpcInvalidArgument, 7, "ConfigurationError", false, ListProfiles.On(""), nil},
	{Locked, "locked", ExitFailed, http.StatusServiceUnavailable, grpcUnavailable, 3, "StorageError", true, Retry.On(""), nil},
	{Conflict, "changed by somebody else", ExitFailed, http.StatusServiceUnavailable, grpcAborted, 2, "StorageError", true, Retry.On(""), nil},
	{Refused, "refused", ExitFailed, http.StatusForbidden, grpcPermissionDenied, 11, "StorageError", false, Diagnose.On(""), nil},
	{Unavailable, "not available", ExitFailed, http.StatusServiceUnavailable, grpcUnavailable, 9, "StorageError", true, Diagnose.On(""), nil},
	{NotFound, "not found", ExitFailed, http.StatusNotFound, grpcNotFound, 1, "StorageError", false, Remedy{}, nil},

	{WrongClock, "the clock of this machine is wrong", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 61, "TokenRefreshError", false, SetClock.On(""), nil},
	{UntrustedServer, "its certificate is not trusted", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 62, "TokenRefreshError", false, Ask.To("an administrator", "to add the certificate authority to those that this machine trusts"), nil},
	{Offline, "no connection", ExitFailed, http.StatusServiceUnavailable, grpcUnavailable, 63, "TokenRefreshError", true, CheckNetwork.On(""), nil},
	{ClientRejected, "the provider does not accept the OAuth client", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 64, "TokenRefreshError", false, Configure.On(""), nil},
	{ProviderBusy, "the provider has trouble", ExitFailed, http.StatusServiceUnavailable, grpcUnavailable, 65, "TokenRefreshError", true, Retry.On(""), nil},
	{BadToken, "ID token refused", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 66, "TokenRefreshError", false, Diagnose.On(""), nil},
	{ProviderAnswer, "the provider's answer cannot be used", ExitFailed, http.StatusForbidden, grpcFailedPrecondition, 67, "TokenRefreshError", false, Diagnose.On(""), nil},

	{Unsupported, "not supported", ExitFailed, http.StatusForbidden, grpcUnimplemented, 42, "TokenTossError", false, Remedy{}, errors.ErrUnsupported},
	{Deadline, "it took too long", ExitFailed, http.StatusGatewayTimeout, grpcDeadlineExceeded, 41, "TokenRefreshError", true, Retry.On(""), context.DeadlineExceeded},
	{Canceled, "canceled", ExitFailed, http.StatusServiceUnavailable, grpcCanceled, 40, "SignInError", true, Remedy{}, context.Canceled},
	{End, "end", ExitFailed, http.StatusBadGateway, grpcOutOfRange, 44, "TokenTossError", false, Remedy{}, io.EOF},
	{Failed, "failed", ExitFailed, http.StatusInternalServerError, grpcUnknown, 68, "TokenTossError", false, Remedy{}, nil},
}

var byKind = func() map[Kind]*Row {
	m := make(map[Kind]*Row, len(table))
	for i, r := range table {
		m[r.Kind] = &table[i]
	}
	return m
}()

// Table returns a row for each kind. An error may be of several kinds: the first
// here is what a person is told.
func Table() []Row { return slices.Clone(table) }

// Row returns the row of k, or that of [Failed] if there is none.
func (k Kind) Row() Row {
	if r, ok := byKind[k]; ok {
		return *r
	}
	return *byKind[Failed]
}

// Known tells whether k is in the table: a newer tokentoss may send others.
func (k Kind) Known() bool { return byKind[k] != nil }

// Error says the kind in words.
func (k Kind) Error() string {
	if r, ok := byKind[k]; ok {
		return r.Text
	}
	return string(k)
}

// Is makes errors.Is(fault.Canceled, context.Canceled) true, and likewise for the
// other kinds that the standard library has an error for.
func (k Kind) Is(target error) bool {
	r, ok := byKind[k]
	return ok && r.std != nil && r.std == target
}

// OfReason returns the kind with that number in the protocol of plugins, or an
// empty one.
func OfReason(reason int32) Kind {
	i := slices.IndexFunc(table, func(r Row) bool { return r.Reason == reason })
	if i < 0 {
		return ""
	}
	return table[i].Kind
}
