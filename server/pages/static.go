package pages

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// immutable is for URLs that have the hash of their content: other content has another
// URL.
const immutable = "public, max-age=31536000, immutable"

// contentType returns that of files with an extension, "" if there are none. Package mime is
// no source, because its answers depend on the machine's tables.
func contentType(ext string) string {
	return map[string]string{
		".css":         "text/css; charset=utf-8",
		".js":          "text/javascript; charset=utf-8",
		".png":         "image/png",
		".svg":         "image/svg+xml",
		".webmanifest": "application/manifest+json",
	}[ext]
}

// static holds the files of the folder static under names that contain their hash.
type static struct {
	assets map[string]Asset  // by hashed name
	hashed map[string]string // hashed name by the file's own; of a translated file by language, "/" and its own
}

func newStatic(files fs.FS, catalogues []catalogue) (static, error) {
	s := static{map[string]Asset{}, map[string]string{}}
	folder, err := fs.Sub(files, "static")
	if err != nil {
		return static{}, err
	}
	names, err := fs.Glob(folder, "*")
	if err != nil {
		return static{}, err
	}
	for _, name := range names {
		if err := s.read(folder, names, name, catalogues); err != nil {
			return static{}, err
		}
	}
	return s, nil
}

// read keeps the file of a name, after those that it refers to: their URLs have hashed
// names. Files must not refer to each other in a circle.
func (s static) read(folder fs.FS, names []string, name string, catalogues []catalogue) error {
	if s.hashed[name] != "" || s.hashed[path.Join(catalogues[0].tag.String(), name)] != "" {
		return nil
	}
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	for _, other := range names {
		quoted := references(other)
		if !slices.ContainsFunc(quoted, func(q string) bool { return bytes.Contains(text, []byte(q)) }) {
			continue
		}
		if err := s.read(folder, names, other, catalogues); err != nil {
			return err
		}
		for i, hashed := range references(s.hashed[other]) {
			text = bytes.ReplaceAll(text, []byte(quoted[i]), []byte(hashed))
		}
	}
	if path.Ext(name) == ".webmanifest" {
		return s.addManifest(name, text, catalogues)
	}
	return s.add(name, "", text)
}

// references returns how a manifest and a script refer to a file.
func references(name string) []string { return []string{strconv.Quote(name), "'./" + name + "'"} }

// add keeps a file; the language is "" if it has none.
func (s static) add(name, language string, text []byte) error {
	ext := path.Ext(name)
	kind := contentType(ext)
	if kind == "" {
		return fmt.Errorf("%s has no content type", name)
	}
	a := NewAsset(text, kind, immutable)
	hashed := strings.TrimSuffix(name, ext) + "." + a.hash + ext
	s.assets[hashed], s.hashed[path.Join(language, name)] = a, hashed
	return nil
}

// addManifest keeps a manifest for each language. A string "{key}" in it is the text of
// that key.
func (s static) addManifest(name string, manifest []byte, catalogues []catalogue) error {
	for _, c := range catalogues {
		translated := bytes.ReplaceAll(manifest, []byte("{lang}"), []byte(c.tag.String()))
		for key, t := range c.texts {
			place := []byte(`"{` + key + `}"`)
			if !bytes.Contains(manifest, place) {
				continue
			}
			value, err := json.Marshal(t.alone)
			if err != nil {
				return err
			}
			translated = bytes.ReplaceAll(translated, place, value)
		}
		if err := s.add(name, c.tag.String(), translated); err != nil {
			return err
		}
	}
	return nil
}

// url returns the URL of a file as a page of a language needs it.
func (s static) url(root, language, name string) (string, error) {
	hashed := cmp.Or(s.hashed[path.Join(language, name)], s.hashed[name])
	if hashed == "" {
		return "", fmt.Errorf("there is no static/%s", name)
	}
	return root + "static/" + hashed, nil
}

// Icon returns the URL of the icon, relative to the server's "/".
func (p *Pages) Icon() string { return "static/" + p.static.hashed["icon.svg"] }

// Static answers with a static file, and reports whether there is one of that hashed
// name.
func (p *Pages) Static(w http.ResponseWriter, r *http.Request, hashed string) bool {
	a, ok := p.static.assets[hashed]
	if ok {
		a.Serve(w, r)
	}
	return ok
}

// An Asset is an answer that is the same for everyone. It stays in memory, as it is and
// compressed.
type Asset struct {
	contentType, cacheControl string
	language                  string // "" if it has none
	hash                      string
	plain                     []byte
	gzipped                   func() []byte // compresses at its first call; nil if that saves nothing
}

// NewAsset returns the asset of a text. The text is compressed when a client first asks for
// that, because compressing takes milliseconds.
func NewAsset(plain []byte, contentType, cacheControl string) Asset {
	sum := sha256.Sum256(plain)
	a := Asset{contentType: contentType, cacheControl: cacheControl, hash: hex.EncodeToString(sum[:6]), plain: plain}
	if contentType != "image/png" { // compressed already
		a.gzipped = sync.OnceValue(func() []byte { return compress(plain) })
	}
	return a
}

func compress(plain []byte) []byte {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // fails for another level alone
	z.Write(plain)                                             // to memory
	z.Close()
	return packed.Bytes()
}

// Serve answers with the asset, or with 304 where the client has it.
func (a Asset) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", a.cacheControl)
	if a.language != "" {
		h.Set("Content-Language", a.language)
		h.Add("Vary", "Accept-Language")
	}
	body, tag := a.plain, a.hash
	if a.gzipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			body, tag = a.gzipped(), a.hash+"-gzip"
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves it out of encoded answers
		}
	}
	h.Set("ETag", strconv.Quote(tag))
	r.Header.Del("Range") // assets are small, and ServeContent's refusal of a range has no code
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reports whether Accept-Encoding (RFC 9110 section 12.5.3) names gzip with a
// weight above 0. It ignores "*": every client accepts what is not encoded.
func acceptsGzip(headers []string) bool {
	for coding := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, weight, weighted := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(weight)), "q="), 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
