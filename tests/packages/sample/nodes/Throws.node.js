throw new Error('This file is out of order');
