-- a copy holds no secret, and no webhook meant for the original reaches it
UPDATE whatsapp_broadcast_account
   SET access_token_encrypted = NULL,
       app_secret_encrypted = NULL,
       app_secret_fingerprint = NULL,
       verify_token_encrypted = NULL,
       webhook_token = gen_random_uuid()::text,
       state = 'draft',
       error_message = NULL;

-- nothing goes out before a person wants it to
UPDATE whatsapp_broadcast
   SET state = 'paused',
       state_reason = 'restored',
       state_detail = 'This is a neutralized copy: what was waiting here may have been sent by the original.'
 WHERE state IN ('scheduled', 'preparing', 'sending');

UPDATE whatsapp_broadcast_message
   SET state = 'failed',
       due_at = NULL,
       error_class = 'restored',
       error_message = 'This is a neutralized copy'
 WHERE due_at IS NOT NULL;

UPDATE ir_cron
   SET active = FALSE
 WHERE id IN (
    SELECT res_id FROM ir_model_data
     WHERE module = 'whatsapp_broadcast' AND model = 'ir.cron'
 );
