// Package parent notices that the process which started this one has ended.
package parent
