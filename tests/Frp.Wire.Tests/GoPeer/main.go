// A peer for the Snappy framing tests: another implementation reads what we wrote and writes what we read.
//
//	peer decode < framed > plain
//	peer encode N < plain > framed     one write for every N bytes
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/golang/snappy"
)

func run() error {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "decode":
		_, err := io.Copy(os.Stdout, snappy.NewReader(os.Stdin))
		return err
	case len(os.Args) == 3 && os.Args[1] == "encode":
		size, err := strconv.Atoi(os.Args[2])
		if err != nil {
			return err
		}
		framed := snappy.NewWriter(os.Stdout)
		piece := make([]byte, size)
		for {
			n, err := io.ReadFull(os.Stdin, piece)
			if n > 0 {
				if _, err := framed.Write(piece[:n]); err != nil {
					return err
				}
			}
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("usage: peer decode | encode N")
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
