const response = await fetch(
  'https://your-n8n-instance.com/api/v1/executions?status=error&limit=50',
  { headers: { 'X-N8N-API-KEY': 'your-api-key' } }
);

const { data } = await response.json();

for (const execution of data) {
  try {
    await fetch(
      `https://your-n8n-instance.com/api/v1/executions/${execution.id}/retry`,
      {
        method: 'POST',
        headers: {
          'X-N8N-API-KEY': 'your-api-key',
          'Content-Type': 'application/json'
        },
        body: JSON.stringify({ loadWorkflow: true })
      }
    );
    console.log(`Retried execution ${execution.id}`);
  } catch (error) {
    console.error(`Failed to retry ${execution.id}:`, error);
  }
}
