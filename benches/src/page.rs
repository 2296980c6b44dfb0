//! What the pages of HTML have in common: they need nothing but themselves, and fit a phone.

const HEAD: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
section { min-width: 0; }
h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
section h2 { margin-top: 0; }
section p { margin: 0 0 .3rem; }
svg { width: 100%; height: auto; max-width: 34rem; display: block; }
svg text { fill: currentColor; }
pre { overflow-x: auto; font-size: .8rem; }
code { overflow-wrap: anywhere; }
.table { overflow-x: auto; margin-bottom: 1.5rem; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #8886; }
</style>
";

/// How a page of this title begins.
#[must_use]
pub fn head(title: &str) -> String {
    format!("{HEAD}<title>{0}</title>\n<h1>{0}</h1>\n", escaped(title))
}

/// Text as HTML takes it.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
