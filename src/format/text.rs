//! HTML to plain text, for people. Pure; linear in what it reads, and reads no further than it needs.
//!
//! Not a parser of HTML: a reader that drops tags, and keeps what only looks like one. It never
//! fails. Text without any markup comes out as it went in, but for white space and controls.

/// Elements that are dropped with everything in them.
const UNSEEN: [&str; 8] =
    ["iframe", "noscript", "object", "script", "style", "svg", "template", "textarea"];

/// Elements that begin and end on a line of their own.
const BLOCKS: [&str; 32] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// The other elements whose tags are dropped. What is in none of the lists is kept as text: a value
/// like `List<String>` is no HTML.
const INLINE: [&str; 42] = [
    "a",
    "abbr",
    "acronym",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "body",
    "button",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "del",
    "details",
    "em",
    "figcaption",
    "font",
    "head",
    "html",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "link",
    "mark",
    "meta",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "time",
    "u",
    "video",
];

/// Cells of a table, which a space sets apart.
const CELLS: [&str; 5] = ["td", "th", "thead", "tbody", "tfoot"];

/// The longest character entity that is looked for, in bytes. The longest there is has 33.
const ENTITY_BYTES_MAX: usize = 40;

/// The first `chars_max` characters of what a reader of `html` sees, and an ellipsis where there is
/// more. Lines are not empty, and neither begin nor end with white space.
pub fn from_html(html: &str, chars_max: usize) -> String {
    let mut out = Out::new(chars_max);
    let mut tags = Tags::default();
    let mut at = 0;
    while at < html.len() && !out.is_full() {
        let rest = &html[at..];
        at += match rest.as_bytes()[0] {
            b'<' => match tags.skip(rest) {
                Some((length, mark)) => {
                    out.mark(mark);
                    length
                }
                None => out.text("<"),
            },
            b'&' => {
                let entity = &rest[..entity_length(rest)];
                out.text(&htmlize::unescape(entity));
                entity.len()
            }
            _ => {
                let end = rest.find(['<', '&']).unwrap_or(rest.len());
                out.text(&rest[..end])
            }
        };
    }
    out.finish()
}

/// The first `chars_max` characters of `text` on one line, without controls, and an ellipsis where
/// there is more.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let mut out = Out::new(chars_max);
    out.text_on_one_line(text);
    out.finish()
}

/// The first `chars_max` characters of `text`, and an ellipsis where there is more.
pub fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// What a tag leaves behind in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Nothing,
    Space,
    Line,
    Bullet,
}

/// Finds the ends of tags. Remembers what is not to be found, so that it is not looked for again.
#[derive(Default)]
struct Tags {
    quotes_are_broken: bool,
    no_more: bool,
}

impl Tags {
    /// The length of the tag, comment or unseen element that `text` begins with, and what it leaves
    /// behind; none when it is only a `<`.
    fn skip(&mut self, text: &str) -> Option<(usize, Mark)> {
        if text.starts_with("<!--") {
            return Some((text.find("-->").map_or(text.len(), |end| end + 3), Mark::Nothing));
        }
        if text.starts_with("<!") || text.starts_with("<?") {
            return Some((self.length(text)?, Mark::Nothing));
        }
        let closing = text.starts_with("</");
        let from = if closing { 2 } else { 1 };
        let name: String = text[from..]
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .take(16)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let mark = match name.as_str() {
            "li" if !closing => Mark::Bullet,
            name if BLOCKS.contains(&name) => Mark::Line,
            name if CELLS.contains(&name) => Mark::Space,
            name if INLINE.contains(&name) => Mark::Nothing,
            name if UNSEEN.contains(&name) => Mark::Space,
            _ => return None,
        };
        let goes_on = text.as_bytes().get(from + name.len());
        if !goes_on.is_none_or(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte)) {
            return None;
        }
        let length = self.length(text)?;
        if closing || !UNSEEN.contains(&name.as_str()) {
            return Some((length, mark));
        }
        let after = &text[length..];
        Some((length + end_of_element(after, &name), mark))
    }

    /// The length of the tag that `text` begins with; a `>` in quotes does not end it.
    fn length(&mut self, text: &str) -> Option<usize> {
        if self.no_more {
            return None;
        }
        if !self.quotes_are_broken {
            let mut quote = None;
            for (at, byte) in text.bytes().enumerate() {
                match (quote, byte) {
                    (None, b'>') => return Some(at + 1),
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (Some(open), _) if open == byte => quote = None,
                    _ => {}
                }
            }
            self.quotes_are_broken = true;
        }
        let end = text.find('>').map(|at| at + 1);
        self.no_more = end.is_none();
        end
    }
}

/// How much of `text` belongs to the element `name` that was opened before it: all of it when it is
/// never closed.
fn end_of_element(text: &str, name: &str) -> usize {
    let closes = |at: &usize| {
        let tag = text.as_bytes().get(at + 2..at + 2 + name.len());
        tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
    };
    text.match_indices("</").map(|(at, _)| at).find(closes).unwrap_or(text.len())
}

/// The length of what may be a character entity at the beginning of `text`: at least the ampersand.
fn entity_length(text: &str) -> usize {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let name = text.bytes().skip(1).take(ENTITY_BYTES_MAX).take_while(belongs).count();
    let semicolon = text.as_bytes().get(1 + name) == Some(&b';');
    1 + name + usize::from(semicolon)
}

/// Text as it is put together.
struct Out {
    text: String,
    chars: usize,
    chars_max: usize,
    /// White space that is written once something comes after it.
    owed: Mark,
    cut: bool,
}

impl Out {
    fn new(chars_max: usize) -> Self {
        Self { text: String::new(), chars: 0, chars_max, owed: Mark::Nothing, cut: false }
    }

    fn is_full(&self) -> bool {
        self.cut
    }

    fn mark(&mut self, mark: Mark) {
        let rank = |mark| match mark {
            Mark::Nothing => 0,
            Mark::Space => 1,
            Mark::Line => 2,
            Mark::Bullet => 3,
        };
        if rank(mark) > rank(self.owed) {
            self.owed = mark;
        }
    }

    /// Adds text; how many bytes it has.
    fn text(&mut self, text: &str) -> usize {
        for character in text.chars() {
            match character {
                '\n' | '\u{2028}' | '\u{2029}' => self.mark(Mark::Line),
                space if space.is_whitespace() => self.mark(Mark::Space),
                hidden if is_hidden(hidden) => {}
                shown => self.shown(shown),
            }
            if self.cut {
                break;
            }
        }
        text.len()
    }

    fn text_on_one_line(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                space if space.is_whitespace() || space == '\u{2028}' => self.mark(Mark::Space),
                hidden if is_hidden(hidden) => {}
                shown => self.shown(shown),
            }
            if self.cut {
                break;
            }
        }
    }

    fn shown(&mut self, character: char) {
        let owed = match std::mem::replace(&mut self.owed, Mark::Nothing) {
            Mark::Bullet if self.text.is_empty() => "• ",
            Mark::Bullet => "\n• ",
            _ if self.text.is_empty() => "",
            Mark::Nothing => "",
            Mark::Space => " ",
            Mark::Line => "\n",
        };
        let chars = self.chars + owed.chars().count() + 1;
        if chars > self.chars_max {
            self.cut = true;
            return;
        }
        self.text.push_str(owed);
        self.text.push(character);
        self.chars = chars;
    }

    fn finish(mut self) -> String {
        if self.cut {
            self.text.push('…');
        }
        self.text
    }
}

/// Controls, and what turns the direction of the text around it: nobody sees them, and they can make
/// a text look like another.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_reads_as_a_person_sees_it() {
        for (html, text) in [
            (
                "<p>Everything as <b>CSV</b>.</p>\n<p>In one&nbsp;file.</p>",
                "Everything as CSV.\nIn one file.",
            ),
            ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
            ("<ul><li>one</li><li>two</li></ul>after", "• one\n• two\nafter"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("a<script>alert('</b>')</script>b<style>p{}</style >c", "a b c"),
            ("a<script>never closed", "a"),
            ("a<!-- no --> b<!doctype html> c", "a b c"),
            ("<a href=\"x>y\" title='a\"b>'>link</a>", "link"),
            (
                "Ada &amp; Grace &lt;3 &eacute; &#233; &#xe9; &copy &unknown; & &",
                "Ada & Grace <3 é é é © &unknown; & &",
            ),
            ("&lt;script&gt;", "<script>"),
            ("List<String> 1 < 2 <3 <>", "List<String> 1 < 2 <3 <>"),
            ("line 1\nline 2\r\n\r\n\tline 3  ", "line 1\nline 2\nline 3"),
            ("a\u{202E}b\u{2066}c\u{7}\u{1b}[31md", "abc[31md"),
            ("שלום \u{1F469}\u{200D}\u{1F680}", "שלום \u{1F469}\u{200D}\u{1F680}"),
            ("<p class=\"never closed", "<p class=\"never closed"),
            ("<b title=\"x>bold</b> end", "bold end"),
            ("", ""),
            ("<p></p>", ""),
        ] {
            assert_eq!(from_html(html, 1_000), text, "{html}");
        }
    }

    #[test]
    fn text_is_cut_at_a_character_and_says_so() {
        assert_eq!(from_html("<p>ünïcödé</p>", 4), "ünïc…");
        assert_eq!(from_html("<p>1234</p>  ", 4), "1234");
        assert_eq!(one_line("a\nb\tc", 99), "a b c");
        assert_eq!((cut("ab cd", 3), cut("ab", 2)), ("ab…".to_owned(), "ab".to_owned()));
    }

    /// A quadratic reader would take hours for these.
    #[test]
    fn hostile_megabytes_take_no_time() {
        for piece in [
            "<p", "<p ", "<p \"", "<!--", "<script>", "&", "&amp", "</", "<!", "<p>", "<a '>",
            "\u{202E}",
        ] {
            let html = piece.repeat((4 << 20) / piece.len());
            from_html(&html, 300);
            from_html(&html, usize::MAX);
        }
    }

    proptest! {
        #[test]
        fn never_more_than_asked_for_and_no_controls(
            html in r#"(<|>|/|p|script|li|br|"|'|&|amp|;|#x1b|!--|--| |\n|é|😀|.){0,60}"#,
            chars_max in 0..40usize,
        ) {
            let text = from_html(&html, chars_max);
            prop_assert!(text.chars().count() <= chars_max + 1);
            prop_assert!(text.chars().all(|c| c == '\n' || !is_hidden(c)));
            prop_assert!(text.lines().all(|line| line.trim() == line && !line.is_empty()));
        }
    }
}
