// Package terraform writes configuration of Terraform, formatted as 'terraform
// fmt' does.
//
// It must never use a network, run a command or read the clock.
package terraform
