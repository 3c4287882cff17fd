// After something was changed the page is asked for anew, so that it says what is.
document.addEventListener("console:changed", () => setTimeout(() => location.reload(), 400));
