package emulator

import (
	"slices"
	"strings"
)

const (
	scopeEmail   = "https://www.googleapis.com/auth/userinfo.email"
	scopeProfile = "https://www.googleapis.com/auth/userinfo.profile"
)

// shortScope gives Google's long names their OpenID Connect form.
func shortScope(s string) string {
	switch s {
	case scopeEmail:
		return "email"
	case scopeProfile:
		return "profile"
	}
	return s
}

// parseScopes returns the short form of each scope, once.
func parseScopes(s string) []string {
	var scopes []string
	for _, name := range strings.Fields(s) {
		if name = shortScope(name); !slices.Contains(scopes, name) {
			scopes = append(scopes, name)
		}
	}
	return scopes
}

// longScopes is how the token endpoint names scopes.
func longScopes(scopes []string) string {
	long := make([]string, len(scopes))
	for i, s := range scopes {
		switch s {
		case "email":
			s = scopeEmail
		case "profile":
			s = scopeProfile
		}
		long[i] = s
	}
	return strings.Join(long, " ")
}

// callbackScopes is how the redirect names scopes: both forms of those that have two.
func callbackScopes(scopes []string) string {
	names := slices.Clone(scopes)
	for _, s := range strings.Fields(longScopes(scopes)) {
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	return strings.Join(names, " ")
}
