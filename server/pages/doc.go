// Package pages renders the server's web pages: which page, for whom and with what status
// is for package server to say. Templates, static files and texts are embedded; New reads
// them. Nothing is loaded from elsewhere, and there is no build step.
//
// # A page
//
// A page is a template in templates and a type that is its data, with the method template
// for the file's name. Server renders it:
//
//	s.render(w, r, http.StatusOK, pages.Enrol{Issuer: "Example"})
//
// The templates head and brand (layout.html) begin every page. A template calls
//
//	text KEY [NAME VALUE]...  the text of a key, with its values
//	texts PREFIX...           texts as JSON, for a script: a data-texts attribute
//	duration SECONDS          "30 seconds", "5 minutes"
//	long SECONDS              the same, in hours and days where they fit
//	counted SECONDS           duration, counted down by admin.js
//	ago NOW TIME              "5 minutes ago"
//	moment TIME               date and time
//	result RESULT             what is said of a code that was tried
//	qr DRAWING                a QR code, named in the page's language
//	name TEXT                 a name that people have given, as a value of text
//	clock TIME, day TIME      a time of day, a day
//	issuer                    the server's issuer
//	code TEXT                 a command, a variable: what is never translated
//	static FILE               URL of a file in static
//	root                      relative way to the server's "/": {{root}}app
//	lang, dir                 for the html element
//
// Links are relative, because a proxy may have put the server under a path prefix.
//
// # A text
//
// Every text of templates and scripts is in texts, in one file for each language, by a
// key. English is the model: a test wants each key of en.json in every other file, with
// the same placeholders. A text has no HTML. {name} is where a value goes; values are
// escaped, but for those that name, code, duration and text have made.
//
// A text that counts something has a form for each plural category that CLDR gives its
// language, such as "one" and "other" in English, and {n} for what is counted:
//
//	"time.minutes": {"one": "{n} minute", "other": "{n} minutes"}
//
// Scripts find their texts with static/texts.js, which a script imports. Keys under a
// prefix of their own, such as "app.js.", keep them together.
//
// # A language
//
// A file texts/TAG.json with every key is all that a language needs: Accept-Language
// chooses it from then on. "language.dir" is "ltr" or "rtl". Style sheets have logical
// properties alone (margin-inline-start), so that right-to-left pages need no rules.
// English is for everybody whose languages are not there.
package pages
