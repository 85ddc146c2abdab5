package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// immutable is for URLs that have the hash of their content: other content has another
// URL.
const immutable = "public, max-age=31536000, immutable"

// contentTypes replaces package mime, whose answers depend on the machine's tables.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json",
}

// static holds the files of web/static under names that contain their hash.
type static struct {
	assets map[string]asset  // by hashed name
	hashed map[string]string // hashed name by the file's own
}

func newStatic(files fs.FS) (static, error) {
	s := static{map[string]asset{}, map[string]string{}}
	names, err := fs.Glob(files, "web/static/*")
	if err != nil {
		return static{}, err
	}
	var manifests []string
	for _, name := range names {
		if path.Ext(name) == ".webmanifest" {
			manifests = append(manifests, name)
			continue
		}
		if err := s.add(files, name); err != nil {
			return static{}, err
		}
	}
	for _, name := range manifests { // they name other files
		if err := s.add(files, name); err != nil {
			return static{}, err
		}
	}
	return s, nil
}

func (s static) add(files fs.FS, name string) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	base, ext := path.Base(name), path.Ext(name)
	if ext == ".webmanifest" {
		text = s.rename(text)
	}
	contentType, ok := contentTypes[ext]
	if !ok {
		return fmt.Errorf("%s has no content type", name)
	}
	a, err := newAsset(text, contentType, immutable)
	if err != nil {
		return err
	}
	hashed := strings.TrimSuffix(base, ext) + "." + a.hash + ext
	s.assets[hashed], s.hashed[base] = a, hashed
	return nil
}

// rename puts the hashed names of the files so far into a manifest.
func (s static) rename(manifest []byte) []byte {
	for own, hashed := range s.hashed {
		manifest = bytes.ReplaceAll(manifest, []byte(strconv.Quote(own)), []byte(strconv.Quote(hashed)))
	}
	return manifest
}

// from returns a function for templates, which returns the URL of a file as a page needs
// it. root is the relative way from the page to the server's "/", such as "../": a proxy
// may have put that under a prefix.
func (s static) from(root string) func(name string) (string, error) {
	return func(name string) (string, error) {
		hashed, ok := s.hashed[name]
		if !ok {
			return "", fmt.Errorf("there is no web/static/%s", name)
		}
		return root + "static/" + hashed, nil
	}
}

// An asset is an answer that is the same for everyone. It stays in memory, as it is and
// compressed.
type asset struct {
	contentType, cacheControl string
	hash                      string
	plain, gzipped            []byte // gzipped is nil if it saves nothing
}

func newAsset(plain []byte, contentType, cacheControl string) (asset, error) {
	var gzipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&gzipped, gzip.BestCompression)
	if err != nil {
		return asset{}, err
	}
	z.Write(plain) // to memory; Close returns its error
	if err := z.Close(); err != nil {
		return asset{}, err
	}
	sum := sha256.Sum256(plain)
	a := asset{contentType: contentType, cacheControl: cacheControl, hash: hex.EncodeToString(sum[:6]), plain: plain}
	if gzipped.Len() < len(plain) {
		a.gzipped = gzipped.Bytes()
	}
	return a, nil
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", a.cacheControl)
	body, tag := a.plain, a.hash
	if a.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			body, tag = a.gzipped, a.hash+"-gzip"
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
