/*
 * The estate of the story's first second with one thing changed each, for tests of what is made
 * of it. aws_story.c names them for --at. No I/O.
 */
#ifndef OPSDECK_SIM_AWS_VARIANTS_H
#define OPSDECK_SIM_AWS_VARIANTS_H

#include "aws_estate.h"

void aws_variant_outage(struct aws_estate *es);
void aws_variant_switching(struct aws_estate *es);
void aws_variant_unlinking(struct aws_estate *es);
void aws_variant_linking(struct aws_estate *es);
void aws_variant_disabled(struct aws_estate *es);
void aws_variant_orphan(struct aws_estate *es);
void aws_variant_no_rollback(struct aws_estate *es);
void aws_variant_denied(struct aws_estate *es);
void aws_variant_no_decrypt(struct aws_estate *es);
void aws_variant_partial(struct aws_estate *es);
void aws_variant_redeploy(struct aws_estate *es);
void aws_variant_draining(struct aws_estate *es);

#endif
