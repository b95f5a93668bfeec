// Oracle asks Cilium's own policy engine for verdicts, which the tests compare with those of our evaluator.
// It reads cases as lines of JSON and answers each with one line, in order. It contains no rules of its own.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"eks-cilium/lab/oracle/engine"
)

const (
	longestLine    = 16 << 20
	garbagePercent = 800
)

func main() {
	// Every case drops its objects at the end; with less frequent garbage collection a run takes a third of the time.
	debug.SetGCPercent(garbagePercent)
	if err := serve(os.Stdin, os.Stdout, engine.New(slog.New(slog.DiscardHandler))); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// serve answers every line; if the engine refuses a case, the answer is the error.
func serve(input io.Reader, output io.Writer, cilium *engine.Engine) error {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, longestLine)
	writer := bufio.NewWriter(output)
	answers := json.NewEncoder(writer)
	for lines.Scan() {
		if err := answers.Encode(answer(lines.Bytes(), cilium)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return writer.Flush()
}

type reply struct {
	Verdicts []engine.Verdict `json:"verdicts,omitempty"`
	// Refused holds, for every cluster, the policies that its agents refuse, by their index, and why.
	Refused map[string]map[int]string `json:"refused,omitempty"`
	// Panic is with what an agent would end: definitions keep such policies out.
	Panic string `json:"panic,omitempty"`
	Error string `json:"error,omitempty"`
}

func answer(line []byte, cilium *engine.Engine) (given reply) {
	defer func() {
		if reason := recover(); reason != nil {
			given = reply{Panic: fmt.Sprint(reason)}
		}
	}()
	var request engine.Case
	if err := json.Unmarshal(line, &request); err != nil {
		return reply{Error: err.Error()}
	}
	verdicts, refused, err := cilium.Verdicts(&request)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Verdicts: verdicts, Refused: refused}
}
