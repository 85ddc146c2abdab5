//go:build linux

package doors

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"net"
	"time"
)

// Codes of packets and types of attributes (RFC 2865, RFC 2869).
const (
	accessRequest, accessAccept, accessReject = 1, 2, 3
	userName, userPassword, proxyState        = 1, 2, 33
	messageAuthenticator                      = 80
)

// accessOf is a request as a device makes it, with any bytes in it: radclient is choosy.
// Further attributes are pairs of a type and a text.
func accessOf(name, password string, signed bool, more ...any) []byte {
	packet := make([]byte, 20)
	packet[0] = accessRequest
	rand.Read(packet[1:2])
	rand.Read(packet[4:20])
	add := func(kind int, value []byte) {
		packet = append(append(packet, byte(kind), byte(len(value)+2)), value...)
	}
	add(userName, []byte(name))
	add(userPassword, hidden(password, packet[4:20]))
	for i := 0; i < len(more); i += 2 {
		add(more[i].(int), []byte(more[i+1].(string)))
	}
	if signed {
		add(messageAuthenticator, make([]byte, 16))
	}
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	if signed {
		mac := hmac.New(md5.New, []byte(radiusSecret))
		mac.Write(packet)
		copy(packet[len(packet)-16:], mac.Sum(nil))
	}
	return packet
}

// hidden is a password as RFC 2865, section 5.2 hides it.
func hidden(password string, authenticator []byte) []byte {
	text := make([]byte, max(16, (len(password)+15)/16*16))
	copy(text, password)
	previous := authenticator
	for at := 0; at < len(text); at += 16 {
		pad := md5.Sum(append([]byte(radiusSecret), previous...))
		for i, b := range pad {
			text[at+i] ^= b
		}
		previous = text[at : at+16]
	}
	return text
}

// send sends packets from one socket, as a device does that has had no answer, and returns
// the code of each answer: 0 if none comes.
func (r *radius) send(wait time.Duration, packets ...[]byte) (codes []int) {
	r.t.Helper()
	conn, err := net.Dial("udp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	for _, packet := range packets {
		if _, err := conn.Write(packet); err != nil {
			r.t.Fatal(err)
		}
		answer := make([]byte, 4096)
		conn.SetReadDeadline(time.Now().Add(wait))
		n, err := conn.Read(answer)
		if err != nil {
			codes = append(codes, 0)
			continue
		}
		// BlastRADIUS (CVE-2024-3596) needs an answer without one.
		if n < 22 || answer[20] != messageAuthenticator {
			r.t.Errorf("the answer %d does not begin with a Message-Authenticator", answer[0])
		}
		codes = append(codes, int(answer[0]))
	}
	return codes
}
