// How inputs and outputs of nodes are called.
'use strict';

const NodeConnectionTypes = Object.freeze({
  AiAgent: 'ai_agent',
  AiChain: 'ai_chain',
  AiDocument: 'ai_document',
  AiEmbedding: 'ai_embedding',
  AiLanguageModel: 'ai_languageModel',
  AiMemory: 'ai_memory',
  AiOutputParser: 'ai_outputParser',
  AiRetriever: 'ai_retriever',
  AiReranker: 'ai_reranker',
  AiTextSplitter: 'ai_textSplitter',
  AiTool: 'ai_tool',
  AiVectorStore: 'ai_vectorStore',
  Main: 'main',
});

module.exports = {
  NodeConnectionTypes,
  NodeConnectionType: NodeConnectionTypes,
  nodeConnectionTypes: Object.freeze(Object.values(NodeConnectionTypes)),
};
