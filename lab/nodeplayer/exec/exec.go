// Package exec lets clients run commands in emulated pods: `kubectl exec`, and the exec subresource from any
// client. The API server reaches kubelets through a proxy in this process. One server serves all kubelets,
// and the program that is emulated in a container decides what it answers. No process is started.
package exec

import (
	"context"
	"fmt"
	"io"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"eks-cilium/lab/nodeplayer/cluster"
)

// notFound is the exit code of a command that does not exist.
const notFound = 127

// Call is a command that a client runs in a container of a running pod.
type Call struct {
	Pod       *v1.Pod
	Container string
	Command   []string
}

// Answer is the output of a command and its exit code.
type Answer struct {
	Stdout, Stderr string
	Code           int
}

// Program answers calls in the containers that it is emulated in; false for an unknown command.
type Program func(ctx context.Context, call Call) (Answer, bool)

// executor runs calls for the library that implements the protocols.
type executor struct {
	pod     *v1.Pod
	program Program
}

// ExecInContainer answers one call. Standard input is not read, since no emulated program asks for any.
func (e *executor) ExecInContainer(ctx context.Context, _, _, container string, command []string, _ io.Reader,
	out, errors io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	answer, known := Answer{}, false
	if len(command) > 0 {
		answer, known = e.program(ctx, Call{Pod: e.pod, Container: container, Command: command})
	}
	if !known {
		answer = unknown(container, command)
	}
	if err := say(out, answer.Stdout); err != nil {
		return err
	}
	if errors == nil {
		errors = out // a terminal has one stream
	}
	if err := say(errors, answer.Stderr); err != nil {
		return err
	}
	if answer.Code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("exit status %d", answer.Code), Code: answer.Code}
	}
	return nil
}

func say(stream io.Writer, text string) error {
	if stream == nil || text == "" {
		return nil
	}
	_, err := io.WriteString(stream, text)
	return err
}

func unknown(container string, command []string) Answer {
	name := ""
	if len(command) > 0 {
		name = command[0]
	}
	return Answer{Code: notFound, Stderr: fmt.Sprintf(
		"%s: not found. Containers are emulated here, and container %q does not emulate this command: %q\n",
		name, container, command)}
}

// running tells whether a container of a pod runs, by its status.
func running(pod *v1.Pod, container string) bool {
	if pod.DeletionTimestamp == nil && !cluster.IsRunning(pod) {
		return false
	}
	for index := range pod.Status.ContainerStatuses {
		status := &pod.Status.ContainerStatuses[index]
		if status.Name == container {
			return status.State.Running != nil
		}
	}
	return false
}
