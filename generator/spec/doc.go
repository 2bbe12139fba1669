// Package spec reads the spec that humans write (the kinds Platform, Tenant,
// Release and Facts), merges it, and returns one immutable, typed Effective per
// environment together with the line that each value was written on.
//
// It must never read a file except through the fs.FS it is given, know what is
// rendered from a value, or change an Effective after it was returned.
package spec
