async function waitForExecution(executionId) {
  const maxAttempts = 60;
  const pollInterval = 2000; // 2 seconds
  
  for (let i = 0; i < maxAttempts; i++) {
    const response = await fetch(
      `https://your-n8n-instance.com/api/v1/executions/${executionId}`,
      { headers: { 'X-N8N-API-KEY': 'your-api-key' } }
    );
    
    const execution = await response.json();
    
    if (['success', 'error', 'canceled', 'crashed'].includes(execution.status)) {
      return execution;
    }
    
    await new Promise(resolve => setTimeout(resolve, pollInterval));
  }
  
  throw new Error('Execution timeout');
}

const result = await waitForExecution('exec_123');
console.log('Execution finished with status:', result.status);
