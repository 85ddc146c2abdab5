package config

import "testing"

func TestAnEditKeepsAllOtherBytes(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nENCRYPTION_KEY=old\nB=2":                            "A=1\nENCRYPTION_KEY=\"new\"\nB=2",
		"ENCRYPTION_KEY = old  # why\n\n#c\n":                     "ENCRYPTION_KEY = \"new\"  # why\n\n#c\n",
		"export ENCRYPTION_KEY='old' #c":                          "export ENCRYPTION_KEY=\"new\" #c",
		"\ufeffA=1\r\nENCRYPTION_KEY=\"old\"\r\nB=\"x\r\ny\"\r\n": "\ufeffA=1\r\nENCRYPTION_KEY=\"new\"\r\nB=\"x\r\ny\"\r\n",
		"A=\"\nENCRYPTION_KEY=a\n\"\nENCRYPTION_KEY=old#x\nC":     "A=\"\nENCRYPTION_KEY=a\n\"\nENCRYPTION_KEY=\"new\"\nC",
		"A='ж'\nENCRYPTION_KEY=\nB=ж":                             "A='ж'\nENCRYPTION_KEY=\"new\"\nB=ж",
		"ENCRYPTION_KEY='ol\nd'\n":                                "ENCRYPTION_KEY=\"new\"\n",
	} {
		s := &Settings{file: ".env", text: []byte(text)}
		got, err := s.With([]Value{{EncryptionKey.Name, "new"}})
		if string(got) != want || err != nil {
			t.Errorf("%q becomes %q, %v; want %q", text, got, err, want)
		}
	}
}

// The first would stand in the open.
func TestAnEditRefusesAVariableInTwoLines(t *testing.T) {
	s := &Settings{file: ".env", text: []byte("ENCRYPTION_KEY=a\nENCRYPTION_KEY=b\n")}
	if _, err := s.With([]Value{{EncryptionKey.Name, "new"}}); err == nil {
		t.Error("it is written")
	}
}
