// Requests for page after page, as rules of expressions describe them.
'use strict';

const { evaluate } = require('./expressions.js');
const { merge } = require('./paths.js');

const MAX_PAGES = 10_000;

/** All answers of `send`: { continue, request, requestInterval, maxRequests } are expressions over $response, $pageCount. */
async function paginated(send, options, item, rules) {
  const answers = [];
  const names = { $request: options, $pageCount: 0, $index: item, $response: undefined };
  const most = Math.min(Number(rules.maxRequests) || MAX_PAGES, MAX_PAGES);
  for (;;) {
    const asked = { ...merge({}, options), resolveWithFullResponse: true, simple: false, ...(options.body === undefined ? {} : { body: options.body }) };
    merge(asked, evaluate(rules.request ?? {}, { ...names, $request: options }));
    const response = await send(asked);
    const { statusCode: status } = response;
    if (status >= 300) throw Object.assign(new Error(`${status} - ${JSON.stringify(response.body)}`), { statusCode: status, error: response.body, response });
    answers.push(response);
    names.$response = response;
    names.$pageCount += 1;
    if (answers.length >= most || !evaluate(rules.continue ?? false, names)) return answers;
    if (Number(rules.requestInterval)) await new Promise((resolve) => setTimeout(resolve, Number(rules.requestInterval)));
  }
}

/** Page after page by offset and limit, until one is not full or there are `most`: `ask(page)` gives the items of one. */
async function byOffset(ask, requestOptions, { limitParameter, offsetParameter, pageSize, rootProperty, type }, most) {
  const place = type === 'body' ? 'body' : 'qs';
  const items = [];
  requestOptions[place] ??= {};
  for (let offset = 0, pages = 0; pages < MAX_PAGES && items.length < most; offset += pageSize, pages += 1) {
    const limit = Math.min(pageSize, most - items.length);
    Object.assign(requestOptions[place], { [limitParameter]: limit, [offsetParameter]: offset });
    const page = await ask(requestOptions, rootProperty);
    for (const item of page) items.push(item);
    if (page.length < limit) break;
  }
  return items;
}

module.exports = { MAX_PAGES, byOffset, paginated };
