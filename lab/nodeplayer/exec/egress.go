package exec

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"

	"eks-cilium/lab/nodeplayer/cluster"
	"eks-cilium/lab/nodeplayer/network"
)

// kubeletPort is the port at which the API server expects kubelets.
const kubeletPort = "10250"

// patience is how long a client of the proxy may take to send its request.
const patience = 10 * time.Second

// tunnel is a connection through the proxy to the kubelet of a node.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
	node   string
}

func (t *tunnel) Read(data []byte) (int, error) { return t.reader.Read(data) }

// egress is the proxy through which the API server reaches everything in the cluster. It is also the listener
// of the kubelets' server: a tunnel to one of them is a connection that it accepts.
type egress struct {
	view    *cluster.View
	socket  string
	log     *slog.Logger
	proxy   net.Listener
	tunnels chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newEgress(view *cluster.View, socket string, log *slog.Logger) *egress {
	return &egress{view: view, socket: socket, log: log, tunnels: make(chan net.Conn), done: make(chan struct{})}
}

func (e *egress) listen() error {
	_ = os.Remove(e.socket) // left behind by an earlier player
	listener, err := net.Listen("unix", e.socket)
	if err != nil {
		return err
	}
	e.proxy = listener
	return os.Chmod(e.socket, 0o600)
}

func (e *egress) serve(ctx context.Context) {
	go func() {
		<-ctx.Done()
		_ = e.proxy.Close()
	}()
	for {
		conn, err := e.proxy.Accept()
		if err != nil {
			return
		}
		go e.open(ctx, conn)
	}
}

// open serves one CONNECT request.
func (e *egress) open(ctx context.Context, conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	reader := bufio.NewReader(conn)
	request, err := http.ReadRequest(reader)
	if err != nil || request.Method != http.MethodConnect {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	host, port, err := net.SplitHostPort(request.Host)
	if node := e.node(host); err == nil && port == kubeletPort && node != "" {
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err == nil {
			e.hand(&tunnel{Conn: conn, reader: reader, node: node})
		}
		return
	}
	if address := net.ParseIP(host); host == "localhost" || (address != nil && address.IsLoopback()) {
		e.splice(ctx, conn, request.Host)
		return
	}
	if network.InOverlay(e.view, host) {
		// The first words are those of EKS (emqx/emqx-operator#899).
		e.refuse(conn, fmt.Sprintf("Address is not allowed: the control plane has no route to %s, an address of an overlay", host))
		return
	}
	e.refuse(conn, fmt.Sprintf("no container listens in the lab, so nothing is at %s", request.Host))
}

// node returns the name of the node that a host name or an address belongs to.
func (e *egress) node(host string) string {
	for _, node := range e.view.Nodes() {
		if node.Name == host {
			return node.Name
		}
		for _, address := range node.Status.Addresses {
			if address.Address == host && address.Type != v1.NodeExternalIP {
				return node.Name
			}
		}
	}
	return ""
}

func (e *egress) refuse(conn net.Conn, reason string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 502 %s\r\nContent-Length: 0\r\n\r\n", reason)
	_ = conn.Close()
}

// splice connects a client with a server on this machine, such as a webhook of a test.
func (e *egress) splice(ctx context.Context, conn net.Conn, address string) {
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		e.refuse(conn, err.Error())
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = server.Close()
		return
	}
	copyAll := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}
	go copyAll(server, conn)
	copyAll(conn, server)
}

func (e *egress) hand(conn net.Conn) {
	select {
	case e.tunnels <- conn:
	case <-e.done:
		_ = conn.Close()
	}
}

// Accept returns the next connection to a kubelet.
func (e *egress) Accept() (net.Conn, error) {
	select {
	case conn := <-e.tunnels:
		return conn, nil
	case <-e.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (e *egress) Close() error {
	e.once.Do(func() { close(e.done) })
	return nil
}

// Addr is the proxy's socket.
func (e *egress) Addr() net.Addr { return &net.UnixAddr{Name: e.socket, Net: "unix"} }
