// Cuts n8n's templates ("=Hello {{ $json.name }}!") into texts and expressions.
'use strict';

/** Whether what stands at `end` has a backslash before it that is not itself escaped. */
function isEscaped(text, end) {
  let at = end;
  while (text[at - 1] === '\\') at--;
  return (end - at) % 2 === 1;
}

/**
 * "a{{ b }}c" -> [{text: 'a'}, {code: ' b '}, {text: 'c'}]; a {{ that nothing closes reaches to the end.
 * In the text before an expression, and only there, two backslashes stand for one.
 */
function split(template) {
  const parts = [];
  let text = '';
  let at = template.startsWith('=') ? 1 : 0;
  for (;;) {
    const open = template.indexOf('{{', at);
    if (open < 0) break;
    text += template.slice(at, open);
    if (isEscaped(text, text.length)) {
      text += '{{';
      at = open + 2;
      continue;
    }
    if (text) parts.push({ text: text.replaceAll('\\\\', '\\') });
    text = '';
    // Nothing at all is no expression, unlike blanks, and makes a text of the rest.
    if (open + 2 === template.length) return [...parts, { text: '' }];
    const close = closing(template, open + 2);
    parts.push({ code: template.slice(open + 2, close).replaceAll('\\}}', '}}') });
    at = close + 2;
  }
  text += template.slice(at);
  if (text) parts.push({ text });
  return parts;
}

function closing(template, from) {
  let at = from;
  for (;;) {
    const close = template.indexOf('}}', at);
    if (close < 0) return template.length;
    if (!isEscaped(template, close)) return close;
    at = close + 2;
  }
}

module.exports = { split };
