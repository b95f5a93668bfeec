package exec

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"eks-cilium/lab/nodeplayer/cluster"
)

// idle is how long a stream may be silent, creation how long a client may take to open its streams.
const (
	idle     = 10 * time.Minute
	creation = remotecommand.DefaultStreamCreationTimeout
)

// nodeKey is the key of the node's name in the context of a request to its kubelet.
type nodeKey struct{}

// Kubelets serve port 10250 of every node.
type Kubelets struct {
	view    *cluster.View
	program Program
	egress  *egress
	log     *slog.Logger
}

// New returns the kubelets' server, reached through a proxy on a unix socket.
func New(view *cluster.View, program Program, socket string, log *slog.Logger) *Kubelets {
	return &Kubelets{view: view, program: program, egress: newEgress(view, socket, log), log: log}
}

// Run serves until the context ends.
func (k *Kubelets) Run(ctx context.Context) error {
	certificate, err := selfSigned(time.Now())
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           k.handler(),
		ReadHeaderTimeout: creation,
		ConnContext:       withNode,
		// Streams are upgrades of HTTP/1.1; without this the server would offer HTTP/2 instead.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     slog.NewLogLogger(k.log.Handler(), slog.LevelDebug),
	}
	config := &tls.Config{Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"http/1.1"}}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	go k.egress.serve(ctx)
	if err := server.Serve(tls.NewListener(k.egress, config)); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		return err
	}
	return nil
}

// Listen opens the proxy's socket; a client that connects before Run waits.
func (k *Kubelets) Listen() error { return k.egress.listen() }

func withNode(ctx context.Context, conn net.Conn) context.Context {
	if secured, ok := conn.(*tls.Conn); ok {
		if tunnel, ok := secured.NetConn().(*tunnel); ok {
			return context.WithValue(ctx, nodeKey{}, tunnel.node)
		}
	}
	return ctx
}

func (k *Kubelets) handler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/exec/{namespace}/{pod}/{container}", "/exec/{namespace}/{pod}/{uid}/{container}"} {
		mux.HandleFunc(path, k.exec)
	}
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotImplemented, "the lab's kubelets do not play %s: only exec is", r.URL.Path)
	})
	return mux
}

func (k *Kubelets) exec(w http.ResponseWriter, r *http.Request) {
	key, container := r.PathValue("namespace")+"/"+r.PathValue("pod"), r.PathValue("container")
	pod, ok := k.view.Pod(key)
	node, _ := r.Context().Value(nodeKey{}).(string)
	switch {
	case !ok || pod.Spec.NodeName != node:
		refuse(w, http.StatusNotFound, "pod does not exist: %s on node %s", key, node)
		return
	case !running(pod, container):
		refuse(w, http.StatusInternalServerError, "container not found (%q): it does not run", container)
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%s", err.Error())
		return
	}
	remotecommand.ServeExec(w, r, &executor{pod: pod, program: k.program}, pod.Name, string(pod.UID), container,
		r.Form["command"], options, idle, creation, remotecommand.SupportedStreamingProtocols)
}

func refuse(w http.ResponseWriter, status int, format string, arguments ...any) {
	http.Error(w, fmt.Sprintf(format, arguments...), status)
}
