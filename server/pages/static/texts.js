// The texts that a page gives to its script, in the page's language.

// texts returns the function that finds the texts in an element's data-texts. A text is a
// string, or has a form for each plural category; {name} stands for a value, and {n} is
// what is counted.
export function texts (element) {
  const all = JSON.parse(element.dataset.texts)
  const plural = new Intl.PluralRules(document.documentElement.lang)
  return (key, values = {}) => {
    const text = all[key] ?? ''
    const form = typeof text === 'string' ? text : text[plural.select(values.n)] ?? text.other
    return form.replace(/\{(\w+)\}/g, (_, name) => values[name])
  }
}
