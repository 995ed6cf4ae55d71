"""What every request passes through: correlation ids, sign-in, CSRF, security headers, errors, templates."""
