// Package parent notices that another process has ended, first of all the one which
// started this one.
package parent
