package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// A load is many clients that ask one server for one file again and again, each over a
// connection of its own and with no more work than it takes to see that the answer is
// right: what the clients do not take of the machine the server can have.
type load struct {
	address string
	request []byte
	status  string // of the answer, as "200"
	size    int64  // of the body
	clients int
	unready bool // the first requests count, too
}

func newLoad(address, key string, size int64, clients int) *load {
	return &load{
		address: address,
		request: []byte("GET /" + key + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: speed\r\n\r\n"),
		status:  "200", size: size, clients: clients,
	}
}

// second makes it a load of requests for the second half of the file.
func (l *load) second() *load {
	begin := l.size / 2
	line := fmt.Sprintf("\r\nRange: bytes=%d-\r\n\r\n", begin)
	l.request = append(bytes.TrimSuffix(l.request, []byte("\r\n\r\n")), line...)
	l.status, l.size = "206", l.size-begin
	return l
}

// run connects the clients, has each ask once, which does not count, and then takes the
// time of some requests of each. It ends early when ctx does, or with the first error.
func (l *load) run(ctx context.Context, requests int) (t taken, err error) {
	clients, err := l.connect(ctx)
	defer func() { err = errors.Join(err, hangUp(clients)) }()
	if err != nil {
		return t, err
	}
	stop := context.AfterFunc(ctx, func() { hangUp(clients) }) // their reads fail
	defer stop()
	if !l.unready {
		if err := each(clients, func(c *loadClient) error { return c.ask(l) }); err != nil {
			return t, err
		}
	}
	begun := time.Now()
	err = each(clients, func(c *loadClient) error { return c.askOften(l, requests) })
	t.total = time.Since(begun)
	for _, c := range clients {
		t.each = append(t.each, c.times...)
	}
	return t, err
}

func (l *load) connect(ctx context.Context) (clients []*loadClient, err error) {
	var dialer net.Dialer
	for range l.clients {
		conn, err := dialer.DialContext(ctx, "tcp", l.address)
		if err != nil {
			return clients, err
		}
		clients = append(clients, &loadClient{conn: conn, buffer: make([]byte, min(l.size+2<<10, 128<<10))})
	}
	return clients, nil
}

func hangUp(clients []*loadClient) error {
	var errs []error
	for _, c := range clients {
		if err := c.conn.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// each calls f for all clients at once and waits for them. Its error is that of the
// first client that has one.
func each(clients []*loadClient, f func(*loadClient) error) error {
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { errs[i] = f(c) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A loadClient is one connection.
type loadClient struct {
	conn   net.Conn
	buffer []byte
	times  []time.Duration
}

func (c *loadClient) askOften(l *load, requests int) error {
	c.times = make([]time.Duration, requests)
	last := time.Now()
	for i := range c.times {
		if err := c.ask(l); err != nil {
			return err
		}
		now := time.Now()
		c.times[i], last = now.Sub(last), now
	}
	return nil
}

// ask sends one request and reads the answer to its end.
func (c *loadClient) ask(l *load) error {
	if _, err := c.conn.Write(l.request); err != nil {
		return err
	}
	head, got, err := c.readHead()
	if err != nil {
		return err
	}
	if err := l.checkHead(head); err != nil {
		return err
	}
	for got < l.size {
		n, err := c.conn.Read(c.buffer)
		if got += int64(n); err != nil && got < l.size {
			return fmt.Errorf("after %d of %d bytes: %w", got, l.size, err)
		}
	}
	if got > l.size {
		return fmt.Errorf("%d bytes in place of %d", got, l.size)
	}
	return nil
}

// readHead reads the answer's head and says how much of the body came with it.
func (c *loadClient) readHead() (head []byte, body int64, err error) {
	n := 0
	for n < len(c.buffer) {
		m, err := c.conn.Read(c.buffer[n:])
		n += m
		if head, rest, found := bytes.Cut(c.buffer[:n], []byte("\r\n\r\n")); found {
			return head, int64(len(rest)), nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("in an answer's head: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
	}
	return nil, 0, errors.New("an answer's head is too long")
}

var lengthField = []byte("\r\nContent-Length: ")

// checkHead checks the status and the length of an answer.
func (l *load) checkHead(head []byte) error {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 "+l.status)) {
		return fmt.Errorf("the answer is %q, not %s", head, l.status)
	}
	_, rest, _ := bytes.Cut(head, lengthField)
	length, _, _ := bytes.Cut(rest, []byte("\r\n"))
	if n, err := strconv.ParseInt(string(length), 10, 64); err != nil || n != l.size {
		return fmt.Errorf("the answer's length is %q, not %d", length, l.size)
	}
	return nil
}
