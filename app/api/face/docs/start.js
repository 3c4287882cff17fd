localStorage.removeItem("authorized"); // earlier releases kept the key here
SwaggerUIBundle({
  url: new URL("openapi-3.0.json", document.currentScript.src).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  docExpansion: "list",
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
