package exchange

import "testing"

func TestTheTopLevelOfADocumentIsSeenThroughWhatIsNested(t *testing.T) {
	for _, v := range []struct {
		data  string
		names []string
		want  bool
	}{
		{`{"a":1,"b":2}`, []string{"a", "b"}, true},
		{`{"b" : [ {"x":"]}"} , 1 ] , "a":"\"}"}`, []string{"a", "b"}, true},
		{"\xef\xbb\xbf \n{\r\n\t\"a\" : null\r\n}", []string{"a"}, true},
		{`{"a":1,"b":"cut o`, []string{"a", "b"}, true},
		{`{"a":1,"b":"cut o`, []string{"c"}, false},
		{`{"a":{"b":2},"c":{}}`, []string{"b"}, false},
		{`{"a":{"b":2},"c":{}}`, []string{"a", "c"}, true},
		{`{"a":1}}}{"b":2}`, []string{"b"}, false},
		{`["a","b"]`, []string{"a"}, false},
		{`{"a`, []string{"a"}, false},
		{`{"a"`, []string{"a"}, false},
		{`{`, []string{"a"}, false},
		{``, []string{"a"}, false},
		{`{a:1}`, []string{"a"}, false},
	} {
		if got := hasMembers([]byte(v.data), v.names...); got != v.want {
			t.Errorf("%s has %q: %v", v.data, v.names, got)
		}
	}
	if !firstHasMembers([]byte(` [ {"a":1}, {"b":2}]`), "a") || firstHasMembers([]byte(`[{"a":1},{"b":2}]`), "b") {
		t.Error("the first element of an array is not what counts")
	}
}

func FuzzHasMembers(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":"\\\""}],"c":1}`))
	f.Fuzz(func(t *testing.T, data []byte) { hasMembers(data, "a", "c"); firstHasMembers(data, "a") })
}
