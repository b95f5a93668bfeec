// Package tools declares the programs the lab runs that are written in Go; go.mod pins each by its `tool`
// line and lab/toolchain.py builds it.
package tools
