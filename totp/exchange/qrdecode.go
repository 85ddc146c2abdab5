package exchange

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"rsc.io/qr/coding"
)

// decodeQR returns the text of a QR code of n x n modules (ISO/IEC 18004). black reports
// whether a module is black. ok is false if there are more errors than the code corrects.
//
// coding.Plan, which draws codes for qrcode, also tells where each bit lies. gozxing can read
// codes, too, but its tables cost each start of any command a quarter of a millisecond.
func decodeQR(n int, black func(x, y int) bool) (text string, ok bool) {
	if n < 21 || n > 177 || n%4 != 1 {
		return "", false
	}
	level, mask, ok := readFormat(n, black)
	if !ok || !hasTiming(n, black) {
		return "", false
	}
	plan, err := coding.NewPlan(coding.Version((n-17)/4), level, mask)
	if err != nil {
		return "", false
	}
	code := make([]byte, plan.DataBytes+plan.CheckBytes) // data of all blocks, then their checks
	for y, row := range plan.Pixel {
		for x, p := range row {
			if r := p.Role(); (r == coding.Data || r == coding.Check) && black(x, y) != (p&coding.Black != 0) {
				code[p.Offset()/8] |= 1 << (7 - p.Offset()%8)
			}
		}
	}
	return decodeBlocks(plan, code)
}

// hasTiming reports whether most of the timing patterns is there, between the finder patterns
// (section 6.3.5). Where there is no code at all, it saves the work of reading one.
func hasTiming(n int, black func(x, y int) bool) bool {
	right := 0
	for i := 8; i < n-8; i++ {
		if black(i, 6) == (i%2 == 0) {
			right++
		}
		if black(6, i) == (i%2 == 0) {
			right++
		}
	}
	return 4*right >= 3*2*(n-16)
}

// readFormat finds the error correction level and the mask whose code is the closest to
// either copy of the format (section 7.9). Codes differ in 7 bits, so that 3 are corrected.
func readFormat(n int, black func(x, y int) bool) (level coding.Level, mask coding.Mask, ok bool) {
	best, copies := 4, formatCopies(n, black)
	for format := range uint32(32) {
		for _, c := range copies {
			if d := bits.OnesCount32(c ^ formatCode(format)); d < best {
				best, level, mask = d, coding.Level(format>>3^1), coding.Mask(format&7)
			}
		}
	}
	return level, mask, best < 4
}

// formatCopies reads the 15 bits of both copies: at the top left, and beside the two other
// finder patterns.
func formatCopies(n int, black func(x, y int) bool) (copies [2]uint32) {
	for i := range 15 {
		x, y := 8, i
		switch {
		case i == 8:
			x, y = 7, 8
		case i > 8:
			x, y = 14-i, 8
		case i > 5:
			y = i + 1
		}
		if black(x, y) {
			copies[0] |= 1 << i
		}
		if x, y = n-1-i, 8; i > 7 {
			x, y = 8, n-15+i
		}
		if black(x, y) {
			copies[1] |= 1 << i
		}
	}
	return copies
}

// formatCode is the BCH code of five bits of format, masked.
func formatCode(format uint32) uint32 {
	rest := format << 10
	for i := 14; i >= 10; i-- {
		if rest>>i&1 == 1 {
			rest ^= 0x537 << (i - 10)
		}
	}
	return (format<<10 | rest) ^ 0x5412
}

func decodeBlocks(plan *coding.Plan, code []byte) (string, bool) {
	data, check := code[:plan.DataBytes], code[plan.DataBytes:]
	size, longer, checks := plan.DataBytes/plan.Blocks, plan.DataBytes%plan.Blocks, plan.CheckBytes/plan.Blocks
	corrected := make([]byte, 0, plan.DataBytes)
	for i := range plan.Blocks {
		if i == plan.Blocks-longer {
			size++
		}
		block := slices.Concat(data[:size], check[:checks])
		if !correct(block, checks) {
			return "", false
		}
		corrected = append(corrected, block[:size]...)
		data, check = data[size:], check[checks:]
	}
	return readSegments(corrected, plan.Version)
}

// correct corrects a block of a Reed-Solomon code in place, with the algorithms of
// Berlekamp and Massey, of Chien and of Forney.
func correct(block []byte, checks int) bool {
	syndromes, clean := syndromesOf(block, checks)
	if clean {
		return true
	}
	locator := errorLocator(syndromes)
	var positions []int // exponents
	for e := range len(block) {
		if evaluate(locator, coding.Field.Exp((255-e)%255)) == 0 {
			positions = append(positions, e)
		}
	}
	if len(positions) != len(locator)-1 || len(positions) > checks/2 {
		return false
	}
	for _, e := range positions {
		block[len(block)-1-e] ^= magnitude(syndromes, locator, e)
	}
	_, clean = syndromesOf(block, checks) // a block with too many errors may pass for another
	return clean
}

// syndromesOf returns what is zero, all of it, for a block without errors.
func syndromesOf(block []byte, checks int) (syndromes []byte, clean bool) {
	syndromes, clean = make([]byte, checks), true
	for i := range syndromes {
		for _, b := range block {
			syndromes[i] = coding.Field.Mul(syndromes[i], coding.Field.Exp(i)) ^ b
		}
		clean = clean && syndromes[i] == 0
	}
	return syndromes, clean
}

// errorLocator returns a polynomial, the lowest coefficient first.
func errorLocator(syndromes []byte) []byte {
	f := coding.Field
	locator, previous := []byte{1}, []byte{1}
	length, shift, divisor := 0, 1, byte(1)
	for i := range syndromes {
		d := syndromes[i]
		for j := 1; j <= length && j < len(locator); j++ {
			d ^= f.Mul(locator[j], syndromes[i-j])
		}
		if d == 0 {
			shift++
			continue
		}
		next := make([]byte, max(len(locator), len(previous)+shift))
		copy(next, locator)
		for j, c := range previous {
			next[j+shift] ^= f.Mul(f.Mul(d, f.Inv(divisor)), c)
		}
		if 2*length <= i {
			length, previous, divisor, shift = i+1-length, locator, d, 1
		} else {
			shift++
		}
		locator = next
	}
	for len(locator) > 1 && locator[len(locator)-1] == 0 {
		locator = locator[:len(locator)-1]
	}
	return locator
}

func evaluate(polynomial []byte, x byte) (sum byte) {
	for i := len(polynomial) - 1; i >= 0; i-- {
		sum = coding.Field.Mul(sum, x) ^ polynomial[i]
	}
	return sum
}

// magnitude is the error at an exponent.
func magnitude(syndromes, locator []byte, exponent int) byte {
	f := coding.Field
	inverse := f.Exp((255 - exponent) % 255)
	evaluator := make([]byte, len(locator)-1)
	for i := range evaluator {
		for j := 0; j <= i; j++ {
			evaluator[i] ^= f.Mul(syndromes[i-j], locator[j])
		}
	}
	derivative := byte(0)
	for i := 1; i < len(locator); i += 2 {
		term := locator[i]
		for range i - 1 {
			term = f.Mul(term, inverse)
		}
		derivative ^= term
	}
	if derivative == 0 {
		return 0
	}
	return f.Mul(f.Exp(exponent), f.Mul(evaluate(evaluator, inverse), f.Inv(derivative)))
}

// readSegments reads the text (section 7.4). Kanji become question marks: no URI has any.
func readSegments(data []byte, version coding.Version) (string, bool) {
	r := bitReader{data: data}
	class := 0
	if version > 9 {
		class++
	}
	if version > 26 {
		class++
	}
	var text strings.Builder
	for r.left() >= 4 {
		switch mode := r.read(4); mode {
		case 0:
			return text.String(), !r.short
		case 1:
			r.digits(&text, r.read([]int{10, 12, 14}[class]))
		case 2:
			r.alphanumerics(&text, r.read([]int{9, 11, 13}[class]))
		case 3: // one of several codes of a text
			r.read(16)
		case 4:
			r.octets(&text, r.read([]int{8, 16, 16}[class]))
		case 5, 9: // FNC1
			r.read(8 * (mode / 9))
		case 7: // extended channel interpretation
			if designator := r.read(8); designator >= 0xc0 {
				r.read(16)
			} else if designator >= 0x80 {
				r.read(8)
			}
		case 8:
			for range r.read([]int{8, 10, 12}[class]) {
				r.read(13)
				text.WriteByte('?')
			}
		default:
			return "", false
		}
		if r.short {
			return "", false
		}
	}
	return text.String(), true
}

// A bitReader reads numbers of some bits. short says that there were too few.
type bitReader struct {
	data  []byte
	at    int
	short bool
}

func (r *bitReader) left() int { return 8*len(r.data) - r.at }

func (r *bitReader) read(n int) (value int) {
	if r.short = r.short || n > r.left(); r.short {
		return 0
	}
	for range n {
		value = value<<1 | int(r.data[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return value
}

func (r *bitReader) digits(text *strings.Builder, n int) {
	for ; n > 0 && !r.short; n -= 3 {
		count := min(n, 3)
		value := r.read([]int{0, 4, 7, 10}[count])
		for _, unit := range []int{100, 10, 1}[3-count:] {
			text.WriteByte('0' + byte(value/unit%10))
		}
	}
}

func (r *bitReader) alphanumerics(text *strings.Builder, n int) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	for ; n > 0 && !r.short; n -= 2 {
		if n == 1 {
			text.WriteByte(alphabet[r.read(6)%45])
			break
		}
		value := r.read(11)
		text.WriteByte(alphabet[value/45%45])
		text.WriteByte(alphabet[value%45])
	}
}

// octets are UTF-8, or ISO 8859-1 if they are not valid as that.
func (r *bitReader) octets(text *strings.Builder, n int) {
	if r.short = r.short || 8*n > r.left(); r.short {
		return
	}
	plain := make([]byte, n)
	for i := range plain {
		plain[i] = byte(r.read(8))
	}
	if utf8.Valid(plain) {
		text.Write(plain)
		return
	}
	for _, b := range plain {
		text.WriteRune(rune(b))
	}
}
