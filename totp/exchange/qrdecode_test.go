package exchange

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
	"rsc.io/qr/coding"
)

// Another encoder than the one whose plans decodeQR reads by.
func TestCodesOfAllSizesAndLevelsAreReadWithErrorsInThem(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	levels := []decoder.ErrorCorrectionLevel{decoder.ErrorCorrectionLevel_L, decoder.ErrorCorrectionLevel_M, decoder.ErrorCorrectionLevel_Q, decoder.ErrorCorrectionLevel_H}
	sizes := map[int]bool{}
	for length := 5; length < 1270; length += 1 + length/14 {
		for i, level := range levels {
			text := strings.Repeat([]string{"0123456789", "OTPAUTH: $1A", "aé漢🙂 otpauth", "otpauth://"}[(i+length)%4], 1+length/10)[:length]
			text = strings.ToValidUTF8(text, "?")
			code, err := encoder.Encoder_encode(text, level, nil)
			if err != nil {
				t.Fatal(err)
			}
			m := code.GetMatrix()
			n := m.GetWidth()
			sizes[n] = true
			wrong := map[[2]int]bool{}
			for range 3 { // the smallest code at the lowest level corrects as many
				wrong[[2]int{r.IntN(n), r.IntN(n)}] = true
			}
			got, ok := decodeQR(n, func(x, y int) bool { return (m.Get(x, y) == 1) != wrong[[2]int{x, y}] })
			if !ok || got != text {
				t.Errorf("%d bytes at level %v, %d modules: %q, %v", length, level, n, got, ok)
			}
		}
	}
	if len(sizes) < 30 {
		t.Errorf("%d sizes", len(sizes))
	}
}

func TestACodeWithTooManyErrorsIsNotRead(t *testing.T) {
	code, err := encoder.Encoder_encode("otpauth://totp/a?secret="+testSecret, decoder.ErrorCorrectionLevel_M, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := code.GetMatrix()
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		wrong := map[[2]int]bool{}
		for range 200 {
			wrong[[2]int{9 + r.IntN(m.GetWidth()-9), 9 + r.IntN(m.GetWidth()-9)}] = true
		}
		if text, ok := decodeQR(m.GetWidth(), func(x, y int) bool { return (m.Get(x, y) == 1) != wrong[[2]int{x, y}] }); ok {
			t.Errorf("read %q", text)
		}
	}
}

func TestSegmentsOfAllModesAreRead(t *testing.T) {
	for _, v := range []struct {
		bits, want string
		ok         bool
	}{
		{"0001" + "0000000101" + "0001111011" + "0101101" + "0000", "12345", true},
		{"0010" + "000000011" + "00111001101" + "001100" + "0000", "ABC", true},
		{"0111" + "00011010" + "0100" + "00000001" + "01100001", "a", true}, // UTF-8 is named
		{"0100" + "00000001" + "11101001" + "0000", "é", true},              // ISO 8859-1
		{"1000" + "00000001" + "0000000000000" + "0000", "?", true},         // Kanji
		{"0011" + "00010010" + "00000000" + "0100" + "00000001" + "01100001", "a", true},
		{"0101" + "0100" + "00000001" + "01100001", "a", true},
		{"0100" + "11111111" + "01100001", "", false}, // shorter than it says
		{"0110", "", false},
	} {
		bits := v.bits + strings.Repeat("0", (8-len(v.bits)%8)%8)
		data := make([]byte, len(bits)/8)
		for i := range bits {
			data[i/8] |= (bits[i] - '0') << (7 - i%8)
		}
		if text, ok := readSegments(data, 1); text != v.want || ok != v.ok {
			t.Errorf("%s: %q, %v, want %q, %v", v.bits, text, ok, v.want, v.ok)
		}
	}
}

func FuzzQR(f *testing.F) {
	f.Add(uint8(21), []byte("otpauth"))
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		decodeQR(int(n), func(x, y int) bool {
			i := y*int(n) + x
			return i/8 < len(data) && data[i/8]>>(i%8)&1 == 1
		})
		readSegments(data, coding.Version(1+n%40))
	})
}
