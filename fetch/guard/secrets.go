package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// digest stands for a secret: an HMAC under a key that was made at random when
// the program started. So a comparison takes the same time whatever the
// secrets, their lengths included, are, and memory holds nothing that could be
// used elsewhere.
type digest [sha256.Size]byte

type hasher struct{ key []byte }

func newHasher() hasher { return hasher{[]byte(rand.Text())} }

func (h hasher) digest(s string) digest {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(s))
	return digest(mac.Sum(nil))
}

// equal returns 1 if a is b and else 0, in constant time.
func equal(a, b digest) int { return subtle.ConstantTimeCompare(a[:], b[:]) }
