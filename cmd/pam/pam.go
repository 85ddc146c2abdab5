// Package pam has the source of pam_totpctl.so, a module for PAM, which is built on the
// machine that it is for. Its tests follow the manual's page "pam" with the real sudo and sshd.
package pam

import _ "embed"

// FileName is the name of the source.
const FileName = "pam_totpctl.c"

// Source is the text of the source, in C.
//
//go:embed pam_totpctl.c
var Source string
