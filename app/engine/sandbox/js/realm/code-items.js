// Turns what a Code node returned into n8n's items, or says what is wrong with it in n8n's words.
(realm) => {
  'use strict';

  const { hasOwn, keys } = Object;
  const KNOWN = ['json', 'binary', 'pairedItem', 'error', 'index'];

  /** What a Code node returned is not items. */
  class ItemsError extends Error {
    constructor(message, description, itemIndex) {
      super(itemIndex === undefined ? message : `${message} [item ${itemIndex}]`);
      this.description = description;
      this.itemIndex = itemIndex;
    }
  }

  const noItems = () =>
    new ItemsError(
      "Code doesn't return items properly",
      'Please return an array of objects, one for each item you would like to output.',
    );

  const notAnObject = (index) =>
    new ItemsError(
      "A 'json' property isn't an object",
      "In the returned data, every key named 'json' must point to an object.",
      index,
    );

  const isObject = (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

  function checkKeys(item, index) {
    const unknown = keys(item).find((key) => !KNOWN.includes(key));
    if (unknown === undefined) return;
    const reserved = KNOWN.find((key) => hasOwn(item, key));
    if (reserved === undefined) {
      throw new ItemsError(
        `Unknown top-level item key: ${unknown}`,
        'Access the properties of an item under `.json`, e.g. `item.json`',
        index,
      );
    }
    throw new ItemsError(
      'Invalid output format',
      `An output item contains the reserved key <code>${reserved}</code>. To get around this, please wrap each item in an ` +
        'object, under a key called <code>json</code>. ' +
        '<a href="https://docs.n8n.io/data/data-structure/#data-structure" target="_blank">Example</a>',
      index,
    );
  }

  function itemOf(value, index) {
    if (value.json === undefined || value.json === null) {
      return isObject(value.binary) ? { json: {}, binary: value.binary } : { json: value };
    }
    if (!isObject(value.json)) throw notAnObject(index);
    const item = { json: value.json };
    for (const key of KNOWN) if (key !== 'json' && value[key] !== undefined) item[key] = value[key];
    // An item that brings an error is shown as that error.
    if (hasOwn(item, 'error')) item.json = { error: item.error?.message };
    return item;
  }

  /** The items of a run once for all items. */
  function itemsOf(returned) {
    if (returned === null) return [];
    if (isObject(returned)) return [itemOf(returned, 0)];
    if (!Array.isArray(returned)) throw noItems();
    for (const value of returned) if (!isObject(value)) throw noItems();
    if (returned.some((value) => KNOWN.some((key) => hasOwn(value, key)))) returned.forEach(checkKeys);
    return returned.map(itemOf);
  }

  /** The item of a run for item `index`; undefined when it returned none. */
  function oneItemOf(returned, index) {
    if (returned === null || returned === undefined) return undefined;
    if (!isObject(returned)) throw notAnObject(index);
    if (hasOwn(returned, 'json') && !isObject(returned.json)) throw notAnObject(index);
    const { json, binary } = itemOf(returned, index);
    return { json, pairedItem: { item: index }, ...(binary === undefined ? {} : { binary }) };
  }

  Object.assign(realm, { ItemsError, itemsOf, oneItemOf });
}
