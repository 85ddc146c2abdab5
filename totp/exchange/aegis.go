package exchange

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An aegisFile is the vault of Aegis Authenticator, as docs/vault.md of
// github.com/beemdevelopment/Aegis describes it.
type aegisFile struct {
	Version int             `json:"version"`
	Header  aegisHeader     `json:"header"`
	DB      json.RawMessage `json:"db"` // an aegisDB, or a string: its encryption in base64
}

type aegisHeader struct {
	Slots  json.RawMessage `json:"slots"`
	Params *aegisParams    `json:"params"`
}

// aegisParams are the parameters of AES-256-GCM.
type aegisParams struct {
	Nonce jsonHex `json:"nonce"`
	Tag   jsonHex `json:"tag"`
}

// An aegisSlot holds the master key, encrypted.
type aegisSlot struct {
	Type   int         `json:"type"`
	Key    jsonHex     `json:"key"`
	Params aegisParams `json:"key_params"`
	N      int         `json:"n"`
	R      int         `json:"r"`
	P      int         `json:"p"`
	Salt   jsonHex     `json:"salt"`
}

// aegisPassword is the type of a slot for a passphrase; the others are for biometrics.
const aegisPassword = 1

type aegisDB struct {
	Version int               `json:"version"`
	Entries []json.RawMessage `json:"entries"`
	Groups  []any             `json:"groups"`
}

type aegisEntry struct {
	Type     string    `json:"type"`
	UUID     string    `json:"uuid"`
	Name     string    `json:"name"`
	Issuer   string    `json:"issuer"`
	Note     string    `json:"note"`
	Favorite bool      `json:"favorite"`
	Icon     *string   `json:"icon"`
	Info     aegisInfo `json:"info"`
	Groups   []string  `json:"groups"`
}

type aegisInfo struct {
	Secret    string      `json:"secret"`
	Algorithm string      `json:"algo"`
	Digits    json.Number `json:"digits"`
	Period    json.Number `json:"period"`
}

func isAegis(data []byte) bool { return hasMembers(data, "version", "header", "db") }

func readAegis(c *Contents, in input) error {
	var file aegisFile
	if err := decodeJSON(in.data, &file); err != nil {
		return err
	}
	if file.Version > 1 {
		return fmt.Errorf("version %d of the vault is not known, only 1", file.Version)
	}
	if file.Header.Params == nil {
		return addEach(c, in.data, "db/entries/*", aegisEntry.record)
	}
	db, err := file.decrypt(in)
	if err != nil {
		return err
	}
	return addEach(c, db, "entries/*", aegisEntry.record)
}

func (e aegisEntry) record() record {
	r := record{
		kind: e.Type, issuer: e.Issuer, account: e.Name,
		secret: e.Info.Secret, algorithm: e.Info.Algorithm, digits: string(e.Info.Digits), period: string(e.Info.Period),
	}
	if strings.EqualFold(r.algorithm, "MD5") {
		r.algorithm = "SHA1"
		r.note("its algorithm is MD5, for which Aegis uses SHA1")
	}
	return r
}

func (f aegisFile) decrypt(in input) ([]byte, error) {
	var encoded string
	if err := decodeJSON(f.DB, &encoded); err != nil {
		return nil, err
	}
	sealed, err := decodeBase64(encoded)
	if err != nil {
		return nil, err
	}
	slots, err := f.Header.passwordSlots()
	if err != nil {
		return nil, err
	}
	passphrase, err := in.passphrase()
	if err != nil {
		return nil, err
	}
	master, err := masterKey(slots, passphrase)
	if err != nil {
		return nil, err
	}
	return openGCM(master, f.Header.Params.Nonce, append(sealed, f.Header.Params.Tag...), nil)
}

// passwordSlots skips the slots of other types. It returns ErrCost before anybody is asked
// for a passphrase.
func (h aegisHeader) passwordSlots() (slots []aegisSlot, err error) {
	var all []json.RawMessage
	if err := decodeElement(h.Slots, &all); err != nil {
		return nil, fmt.Errorf("%w: it has no list of slots", ErrDamaged)
	}
	total := 0
	for _, raw := range all {
		var slot aegisSlot
		if err := decodeJSON(raw, &slot); err != nil {
			return nil, err
		}
		if slot.Type != aegisPassword {
			continue
		}
		work, err := slot.cost().work()
		if err != nil {
			return nil, err
		}
		if total += work; total > maxScryptWork {
			return nil, fmt.Errorf("%w: it has %d slots", ErrCost, len(all))
		}
		slots = append(slots, slot)
	}
	if len(slots) == 0 {
		return nil, errors.New("the vault is locked by biometrics alone: no passphrase opens it")
	}
	return slots, nil
}

func (s aegisSlot) cost() scryptParameters { return scryptParameters{s.N, s.R, s.P} }

// masterKey returns the key from the first slot that the passphrase opens.
func masterKey(slots []aegisSlot, passphrase string) ([]byte, error) {
	for _, slot := range slots {
		key, err := slot.cost().key(passphrase, slot.Salt)
		if err != nil {
			return nil, err
		}
		master, err := openGCM(key, slot.Params.Nonce, bytes.Join([][]byte{slot.Key, slot.Params.Tag}, nil), nil)
		if !errors.Is(err, ErrPassphrase) {
			return master, err
		}
	}
	return nil, ErrPassphrase
}

// writeAegis writes a plain vault, which Aegis imports.
func writeAegis(entries []entry) ([]byte, error) {
	db := aegisDB{Version: 3, Entries: []json.RawMessage{}, Groups: []any{}}
	for i, e := range entries {
		raw, err := json.Marshal(newAegisEntry(i, e))
		if err != nil {
			return nil, err
		}
		db.Entries = append(db.Entries, raw)
	}
	content, err := json.Marshal(db)
	if err != nil {
		return nil, err
	}
	file, err := json.MarshalIndent(aegisFile{Version: 1, DB: content}, "", "  ")
	return append(file, '\n'), err
}

func newAegisEntry(i int, e entry) aegisEntry {
	return aegisEntry{
		Type: kindOf(e), UUID: entryUUID(i, e), Name: e.Account, Issuer: e.Issuer, Groups: []string{},
		Info: aegisInfo{
			Secret: e.Key.Secret().Base32(), Algorithm: e.Key.Algorithm().String(),
			Digits: json.Number(strconv.Itoa(e.Key.Digits())), Period: json.Number(seconds(e.Key.Period())),
		},
	}
}

// entryUUID returns a UUID of version 8 (RFC 9562 section 5.8) that is an entry's own within
// its file. It comes from the names, not from the secret, so that it tells nothing.
func entryUUID(i int, e entry) string {
	h := sha256.New()
	binary.Write(h, binary.BigEndian, uint64(i))
	fmt.Fprintf(h, "%q %q", e.Issuer, e.Account)
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
