// A yamux peer made of the Go library, for tests of our engine against another implementation.
//
//	gopeer server|client
//
// Listens on a loopback port, prints it, and speaks yamux over the first connection: as the end that accepts streams
// first ("server") or as the one that opens them ("client"). The first byte of a stream that we open says what to do:
//
//	e  echo until the end, then close
//	d  discard until the end, then answer with the count (8 bytes, big-endian) and close
//	s  read a count (8 bytes), send as many bytes, each the low byte of its offset, and close
//	w  wait: read nothing until the session ends
//	x  close at once
//
// A client opens the number of streams that its second argument names, at once; on each it sends "hello", reads an echo
// of it and closes.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	conn, err := listener.Accept()
	check(err)

	config := yamux.DefaultConfig()
	config.LogOutput = os.Stderr
	config.MaxStreamWindowSize = 6 * 1024 * 1024
	config.KeepAliveInterval = 500 * time.Millisecond
	if os.Args[1] == "server" {
		session, err := yamux.Server(conn, config)
		check(err)
		serve(session)
		return
	}

	session, err := yamux.Client(conn, config)
	check(err)
	count, err := strconv.Atoi(os.Args[2])
	check(err)
	var all sync.WaitGroup
	for i := 0; i < count; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			greet(session)
		}()
	}
	all.Wait()
	fmt.Println("done")
	check(session.Close())
}

func greet(session *yamux.Session) {
	stream, err := session.Open()
	check(err)
	_, err = stream.Write([]byte("hello"))
	check(err)
	answer := make([]byte, 5)
	_, err = io.ReadFull(stream, answer)
	check(err)
	if string(answer) != "hello" {
		check(fmt.Errorf("answer %q", answer))
	}
	check(stream.Close())
}

func serve(session *yamux.Session) {
	for {
		stream, err := session.Accept()
		if err != nil {
			return
		}
		go handle(stream)
	}
}

func handle(stream net.Conn) {
	defer stream.Close()
	command := make([]byte, 1)
	if _, err := io.ReadFull(stream, command); err != nil {
		return
	}
	switch command[0] {
	case 'e':
		io.Copy(stream, stream)
	case 'd':
		count, _ := io.Copy(io.Discard, stream)
		answer := make([]byte, 8)
		binary.BigEndian.PutUint64(answer, uint64(count))
		stream.Write(answer)
	case 's':
		length := make([]byte, 8)
		if _, err := io.ReadFull(stream, length); err != nil {
			return
		}
		send(stream, binary.BigEndian.Uint64(length))
	case 'w':
		select {}
	}
}

func send(stream net.Conn, left uint64) {
	block := make([]byte, 32*1024)
	for i := range block {
		block[i] = byte(i)
	}
	for left > 0 {
		part := block
		if left < uint64(len(part)) {
			part = part[:left]
		}
		if _, err := stream.Write(part); err != nil {
			return
		}
		left -= uint64(len(part))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
