// Says nothing of how it is tried: a node does (Script).
'use strict';

exports.PlainApi = class PlainApi {
  name = 'plainApi';
  displayName = 'Plain API';
  properties = [
    { displayName: 'URL', name: 'url', type: 'string', default: '' },
    { displayName: 'Token', name: 'token', type: 'string', typeOptions: { password: true }, default: '' },
    { displayName: 'Path', name: 'path', type: 'string', default: '/echo' },
  ];
};
