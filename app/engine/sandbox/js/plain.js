// Tells from its syntax whether an expression can give nothing but data.
'use strict';

const DATA = new Set(['$json', '$input', '$items', '$binary', '$workflow', '$itemIndex', '$runIndex']);

/** Whether it only looks at data, and can give nothing that is no data: no function, no iterator. */
function isPlain(node) {
  switch (node.type) {
    case 'Identifier':
      return DATA.has(node.name);
    case 'Literal':
      return true;
    case 'ParenthesizedExpression':
    case 'ChainExpression':
      return isPlain(node.expression);
    case 'TemplateLiteral':
      return true;
    case 'MemberExpression':
      return isPlain(node.object);
    case 'CallExpression':
      return isData(node);
    default:
      return false;
  }
}

/** `$('Node')`, and what its methods give. */
function isData({ callee, arguments: given }) {
  if (given.length > 1) return false;
  if (callee.type === 'Identifier') return callee.name === '$';
  const isMethod = callee.type === 'MemberExpression' && !callee.computed && /^(all|first|last|item)$/.test(callee.property.name);
  return isMethod && isPlain(callee.object);
}

module.exports = { isPlain };
